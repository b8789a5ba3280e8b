// Gradual pruning follows its schedule between updates, ends at its goal, and is the same when it is run again or resumed.

import { expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { spiralModel, spirals } from "../../../tests/support/train-case.js";
import type { Model } from "../../ir/model.js";
import type { CheckpointStore } from "../../train/checkpoint.js";
import { type FinetuneOptions, finetuneOptions } from "../../train/finetune-options.js";
import { pruningSchedules } from "../schedules/index.js";
import { type Gradual, type GradualWeight, pruneGradually } from "./gradual.js";
import type { RecoveryRun } from "./recover.js";

const context = { ...stepContext(), data: spirals() };

const zeros = (values: Float32Array) => values.reduce((count, value) => count + Number(value === 0), 0);

/** The smallest go, of each weight alone. */
function smallest(weights: ReadonlyMap<string, GradualWeight>, share: number): Map<string, Float32Array> {
  const made = new Map<string, Float32Array>();
  for (const [name, { values }] of weights) {
    const order = [...values.keys()].sort((a, b) => Math.abs(values[a]!) - Math.abs(values[b]!) || a - b);
    const gone = new Set(order.slice(0, Math.round(share * values.length)));
    made.set(
      name,
      values.map((value, i) => (gone.has(i) ? 0 : value)),
    );
  }
  return made;
}

const gradual = (more: Partial<Gradual> = {}, finetune: Partial<FinetuneOptions> = {}): Gradual => ({
  finetune: finetuneOptions.parse({ batch: 8, steps: 40, lr: 0.02, evaluateEvery: 5, ...finetune }),
  goal: 0.75,
  every: 8,
  weights: ["w0", "w1"],
  prune: smallest,
  ...more,
});

async function numbers(model: Model, name: string): Promise<Float32Array> {
  const found = model.graph.initializers.get(name)!;
  if (found.sparse) throw new Error(`${name} is sparse`);
  return new Float32Array((await found.data.read()).slice().buffer);
}

test("the share follows the schedule, zeros stay zero in between, and the goal is met exactly", async () => {
  const seen: { share: number; before: number }[] = [];
  const prune: Gradual["prune"] = (weights, share) => {
    seen.push({ share, before: zeros(weights.get("w1")!.values) });
    expect(weights.get("w0")).toMatchObject({ dims: [2, 16] });
    return smallest(weights, share);
  };
  const { model, log, notes } = await pruneGradually(spiralModel(), gradual({ prune }), context);
  // Up to update 30 of 40, every 8: after 8, 16, 24 and 30.
  const { shareAt } = pruningSchedules.get("cubic");
  const shares = [1, 2, 3, 4].map((step) => shareAt(step, 4, 0.75));
  expect(seen.map(({ share }) => share)).toEqual(shares);
  // What a step pruned is still gone when the next one comes.
  expect(seen.map(({ before }) => before)).toEqual([0, ...shares.slice(0, 3).map((share) => Math.round(48 * share))]);
  expect(zeros(await numbers(model, "w0"))).toBe(24);
  expect(zeros(await numbers(model, "w1"))).toBe(36);
  expect(zeros(await numbers(model, "b0"))).toBe(0);
  expect(notes.find(({ code }) => code === "pruned-gradually")!.text).toContain("between updates 8 and 30");
  // Looks at a model that has more weights than asked for choose nothing.
  const looks = log.flatMap(({ step, held }) => (held ? [{ step, best: held.best }] : []));
  expect(looks.filter(({ step }) => step < 30).some(({ best }) => best)).toBe(false);
  expect(looks.find(({ step }) => step === 30)!.best).toBe(true);
});

test("a moving average loses what is pruned, and an update that overflows misses no turn", async () => {
  const finetune = { average: 0.9, optimizer: { name: "sgd", momentum: 0.9 } } as Partial<FinetuneOptions>;
  const averaged = await pruneGradually(spiralModel(), gradual({}, finetune), context);
  expect(zeros(await numbers(averaged.model, "w1"))).toBe(36);
  // The loss scale is too high at first.
  const loss = { loss: "cross-entropy", weight: 1000 };
  const scaled = { precision: "float16", loss, accumulate: 2, steps: 10 } as Partial<FinetuneOptions>;
  let turns = 0;
  const prune: Gradual["prune"] = (weights, share) => {
    turns++;
    return smallest(weights, share);
  };
  const { model, finetuned } = await pruneGradually(spiralModel(), gradual({ every: 1, prune }, scaled), context);
  expect(finetuned!.skipped).toBeGreaterThan(0);
  expect(turns).toBe(8);
  expect(zeros(await numbers(model, "w1"))).toBe(36);
});

test("the same bytes again, and when it is stopped and resumed", async () => {
  const run = (more: RecoveryRun = {}, signal?: AbortSignal) =>
    pruneGradually(spiralModel(), gradual({ every: 7 }), signal ? { ...context, signal } : context, more);
  const whole = await run();
  const again = await run();
  const store: CheckpointStore & { bytes?: Uint8Array } = {
    async read() {
      return this.bytes;
    },
    async write(bytes) {
      this.bytes = bytes;
    },
  };
  const stop = new AbortController();
  const onEntry = ({ step }: { step: number }) => {
    if (step === 14) stop.abort(new Error("enough"));
  };
  const stopped = run({ checkpoint: store, onEntry }, stop.signal);
  await expect(stopped).rejects.toMatchObject({ code: "training-stopped" });
  const resumed = await run({ checkpoint: store, resume: true });
  for (const name of ["w0", "w1", "b0"]) {
    expect(await numbers(again.model, name)).toEqual(await numbers(whole.model, name));
    expect(await numbers(resumed.model, name)).toEqual(await numbers(whole.model, name));
  }
  expect(resumed.log.map(({ loss }) => loss)).toEqual(whole.log.map(({ loss }) => loss));
  const other = pruneGradually(spiralModel(), gradual({ every: 9 }), context, { checkpoint: store, resume: true });
  await expect(other).rejects.toMatchObject({ code: "checkpoint-other" });
});

test("places are shares or numbers of updates; what cannot be is refused", async () => {
  const at: number[] = [];
  const prune: Gradual["prune"] = (weights, share) => {
    at.push(share);
    return smallest(weights, share);
  };
  const options = { prune, begin: 10, end: 1, every: 10, schedule: "linear" };
  await pruneGradually(spiralModel(), gradual(options), context);
  expect(at).toEqual([0.25, 0.5, 0.75]);
  await expect(pruneGradually(spiralModel(), gradual({ begin: 0.9 }), context)).rejects.toMatchObject({
    code: "gradual-range",
    found: "begin 36, end 30",
  });
  await expect(pruneGradually(spiralModel(), gradual({}, { freeze: ["w0"] }), context)).rejects.toMatchObject({
    code: "gradual-weight",
    node: "w0",
  });
});
