// The plan of a study: what is run, what is added, what is refused before anything runs.

import { expect, test } from "vitest";
import { methodName, planStudy, type StudyGrid } from "./grid.js";
import { stepOf } from "./recipe.js";
import { studyRules } from "./rules.js";

const grid = (more: Partial<StudyGrid> = {}): StudyGrid => ({
  structures: ["unstructured"],
  scores: ["random", "l1"],
  scopes: ["global"],
  schedules: ["one-shot"],
  steps: 3,
  weights: ["keep"],
  ratios: [0.9, 0.5],
  seeds: [1, 2, 3],
  ...more,
});
const finetune = { steps: 5 };
const trained = studyRules({ finetune, rewindable: false });
const untrained = studyRules({ rewindable: false });

test("every method runs at every share with every seed, seed by seed", () => {
  const { jobs } = planStudy(
    grid({ scopes: ["uniform", "global", "lamp"], schedules: ["one-shot", "cubic"], weights: ["keep", "reinit"] }),
    trained,
  );
  expect(jobs).toHaveLength(2 * 3 * 2 * 2 * 2 * 3);
  expect(new Set(jobs.map((job) => JSON.stringify(job))).size).toBe(jobs.length);
  expect(jobs.map(({ seed }) => seed)).toEqual(jobs.map(({ seed }) => seed).sort());
  expect(jobs[0]).toMatchObject({ ratio: 0.5, seed: 1 });
  for (const { method } of jobs) expect(method.steps).toBe(method.schedule === "one-shot" ? 1 : 3);
});

test("chance and magnitude are added where they are left out, with a note each", () => {
  const { jobs, notes } = planStudy(grid({ scores: ["taylor"] }), trained);
  expect(new Set(jobs.map(({ method }) => method.score))).toEqual(new Set(["taylor", "l1", "random"]));
  expect(notes.filter(({ code }) => code === "study-baseline").map(({ text }) => /"(\w+)"/.exec(text)?.[1])).toEqual([
    "l1",
    "random",
  ]);
  const own = planStudy(grid({ scores: ["l2", "random"] }), trained);
  expect(own.grid.scores).toEqual(["l2", "random"]);
  expect(own.notes).toEqual([]);
});

test("what draws and trains nothing runs once", () => {
  const { jobs, notes } = planStudy(grid(), untrained);
  const of = (score: string) => jobs.filter(({ method }) => method.score === score).map(({ seed }) => seed);
  expect(of("l1")).toEqual([1, 1]);
  expect(of("random")).toEqual([1, 1, 2, 2, 3, 3]);
  expect(notes.map(({ code }) => code)).toEqual(["study-no-draw"]);
  // Scores of data see other samples with another seed.
  expect(untrained.draws({ ...jobs[0]!.method, score: "taylor" })).toBe(true);
});

test("what cannot be run is refused by name before anything runs", () => {
  const refused = (more: Partial<StudyGrid>, rules = trained) => expect(() => planStudy(grid(more), rules));
  refused({ weights: ["keep", "rewind"] }).toThrow(/2 of 4 combinations cannot be run/);
  refused({ weights: ["reinit"] }, untrained).toThrow(/cannot be run/);
  refused({ scores: ["fpgm"] }).toThrow(/1 of 3 combinations/);
  refused({ scores: ["l3"] }).toThrow(/no score "l3"/);
  refused({ scopes: ["globl"] }).toThrow(/no scope/);
  refused({ schedules: ["cubik"] }).toThrow(/no pruning schedule/);
  refused({ structures: ["chanel"] }).toThrow(/no structure/);
  refused({ ratios: [1] }).toThrow(/no share/);
  refused({ ratios: [] }).toThrow(/no ratios/);
  refused({ seeds: [1.5] }).toThrow(/no seed/);
  refused({ schedules: ["cubic"], steps: 1 }).toThrow(/several steps/);
  try {
    planStudy(grid({ scores: ["fpgm"], weights: ["keep", "rewind"] }), trained);
    expect.unreachable();
  } catch (error) {
    expect((error as { found: string }).found).toMatch(/unstructured fpgm global one-shot.*no earlier weights/s);
  }
  expect(() => planStudy(grid({ weights: ["rewind"] }), studyRules({ finetune, rewindable: true }))).not.toThrow();
});

test("N:M has its own share, and leaves nothing to share among layers", () => {
  const { jobs } = planStudy(
    grid({ structures: ["unstructured", "2:4"], scopes: ["global", "lamp"], seeds: [1] }),
    trained,
  );
  const pattern = jobs.filter(({ method }) => method.structure === "2:4");
  expect(pattern.map(({ method, ratio }) => [method.score, method.scope, ratio])).toEqual([
    ["random", "pattern", 0.5],
    ["l1", "pattern", 0.5],
  ]);
  const step = stepOf(pattern[0]!.method, 0.5, 1, { finetune });
  expect(step).toEqual({ method: "prune", structure: "2:4", score: "random", finetune, seed: 1 });
});

test("a name says what differs", () => {
  const given = grid({ scopes: ["uniform", "global"] });
  const [job] = planStudy(given, trained).jobs;
  expect(methodName(job!.method, given)).toBe("random, uniform");
});
