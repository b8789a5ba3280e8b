// Runs are kept, taken up again and never repeated; failures and stops.

import { expect, test } from "vitest";
import { invalid } from "../../base/errors.js";
import type { StudyRecord, StudyRun } from "../../metrics/study-report.js";
import { makeRuns, type PlannedRun, type RunEvent } from "./runs.js";
import { canonical, memoryStore, type RunIdentity, runKey } from "./store.js";

const identity: RunIdentity = {
  pare: "1",
  model: "m",
  recipe: [{ method: "prune", ratio: 0.5 }],
  data: "d",
  seed: 1,
  limit: null,
  threads: 1,
  engine: "e",
};
const planned = (key: string, seed = 1): PlannedRun => ({
  method: { structure: "unstructured", score: "l1", scope: "global", schedule: "one-shot", steps: 1, weights: "keep" },
  ratio: 0.5,
  seed,
  key,
});
const record = ({ key, seed }: PlannedRun): StudyRecord => ({
  pare: "1",
  key,
  recipe: [],
  seed,
  metric: "top-1",
  better: "higher",
  size: { parameters: 10, nonZero: 5, bytes: 40, gzip: null, macs: 100, effectiveMacs: 50 },
  heldOut: null,
  measured: { value: seed / 10, samples: 4, perSample: "0110" },
  seconds: 1,
  notes: [],
});
const plan = ["a", "b", "c", "d", "e"].map((key, at) => planned(key, at));
const now = () => 0;

test("the key names everything that a run depends on", async () => {
  const key = await runKey(identity);
  expect(await runKey({ ...identity })).toBe(key);
  const changed: Partial<RunIdentity>[] = [
    { pare: "2" },
    { model: "n" },
    { earlier: "x" },
    { recipe: [{ method: "prune", ratio: 0.6 }] },
    { data: "f" },
    { seed: 2 },
    { limit: 100 },
    { threads: 2 },
    { engine: "wasm" },
  ];
  const keys = await Promise.all(changed.map((one) => runKey({ ...identity, ...one })));
  expect(new Set([key, ...keys]).size).toBe(1 + changed.length);
  expect(canonical({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
});

test("what is finished is taken, not made again, whatever the number of jobs", async () => {
  const results: (readonly StudyRun[])[] = [];
  for (const jobs of [1, 2, 9]) {
    const store = memoryStore();
    await store.write("b", record(plan[1]!));
    // Of another run: as good as none.
    await store.write("c", record(plan[0]!));
    await store.write("d", { key: "d" });
    const made: string[] = [];
    const events: RunEvent[] = [];
    const make = async (run: PlannedRun) => {
      made.push(run.key);
      // Later ones end earlier.
      await new Promise((done) => setTimeout(done, 10 - 2 * run.seed));
      return record(run);
    };
    results.push(await makeRuns(plan, { store, jobs, now, make, onRun: (event) => events.push(event) }));
    expect(made.sort()).toEqual(["a", "c", "d", "e"]);
    expect(events.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5]);
    expect(events.filter(({ kept }) => kept).map(({ run }) => run.key)).toEqual(["b"]);
    await makeRuns(plan, { store, jobs, now, make: () => expect.unreachable() });
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  expect(results[0]!.map(({ key }) => key)).toEqual(["a", "b", "c", "d", "e"]);
});

test("a run that fails is told of with its error, the others go on, and it is tried again", async () => {
  const store = memoryStore();
  const make = async (run: PlannedRun) => {
    if (run.key === "b") throw invalid("prune-options", "It does not go together.");
    if (run.key === "c") throw new TypeError("x is undefined");
    return record(run);
  };
  const runs = await makeRuns(plan, { store, jobs: 2, now, make });
  expect(runs.map(({ error }) => error?.code)).toEqual([undefined, "prune-options", "internal", undefined, undefined]);
  expect(runs[1]!.record).toBeUndefined();
  const again: string[] = [];
  await makeRuns(plan, {
    store,
    jobs: 1,
    now,
    make: async (run) => {
      again.push(run.key);
      return record(run);
    },
  });
  expect(again).toEqual(["b", "c"]);
});

test("a stop loses no more than what is being made", async () => {
  const store = memoryStore();
  const controller = new AbortController();
  const make = async (run: PlannedRun) => {
    if (run.key === "c") controller.abort(new Error("stop"));
    controller.signal.throwIfAborted();
    return record(run);
  };
  await expect(makeRuns(plan, { store, jobs: 1, now, make, signal: controller.signal })).rejects.toThrow("stop");
  const made: string[] = [];
  const rest = await makeRuns(plan, {
    store,
    jobs: 1,
    now,
    make: async (run) => {
      made.push(run.key);
      return record(run);
    },
  });
  expect(made).toEqual(["c", "d", "e"]);
  expect(rest.every((run) => run.record !== undefined)).toBe(true);
});

test("a store that cannot be written to ends the study", async () => {
  const store = { ...memoryStore(), write: () => Promise.reject(new Error("disk full")) };
  await expect(makeRuns(plan, { store, jobs: 2, now, make: async (run) => record(run) })).rejects.toThrow("disk full");
});
