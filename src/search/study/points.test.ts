// What runs come to, against figures worked out by hand.

import { expect, test } from "vitest";
import type { StudyMethod, StudyRecord, StudyRun } from "../../metrics/study-report.js";
import { answersOf } from "./answers.js";
import type { StudyGrid } from "./grid.js";
import { choicesOf, pointsOf, withOutcomes } from "./points.js";
import { differ, meanDifference, scoreOf, spreadOf } from "./statistics.js";

const grid: StudyGrid = {
  structures: ["unstructured"],
  scores: ["random", "l1"],
  scopes: ["uniform", "global"],
  schedules: ["one-shot"],
  steps: 3,
  weights: ["keep"],
  ratios: [0.5],
  seeds: [1, 2],
};
const method = (more: Partial<StudyMethod> = {}): StudyMethod => ({
  structure: "unstructured",
  score: "l1",
  scope: "uniform",
  schedule: "one-shot",
  steps: 1,
  weights: "keep",
  ...more,
});
function record(
  perSample: string,
  nonZero: number,
  effectiveMacs: number,
  more: Partial<StudyRecord> = {},
): StudyRecord {
  const value = [...perSample].filter((one) => one === "1").length / perSample.length;
  return {
    pare: "1",
    key: perSample,
    recipe: [],
    seed: 1,
    metric: "top-1",
    better: "higher",
    size: { parameters: 100, nonZero, bytes: 400, gzip: 300, macs: 1000, effectiveMacs },
    heldOut: { value, samples: 8 },
    measured: { value, samples: perSample.length, perSample },
    seconds: 1,
    notes: [],
    ...more,
  };
}
const original = record("11111110", 100, 1000);
const run = (seed: number, given: Partial<StudyMethod>, done?: StudyRecord): StudyRun => ({
  method: method(given),
  ratio: 0.5,
  seed,
  key: "",
  ...(done ? { record: done } : { error: { code: "failed", message: "no" } }),
});

test("spread is the mean and the sample standard deviation", () => {
  // Deviations -2, 0, 2: variance 8 / 2.
  expect(spreadOf([1, 3, 5])).toEqual({ mean: 3, sd: 2, low: 1, high: 5, n: 3 });
  expect(spreadOf([4])).toEqual({ mean: 4, sd: 0, low: 4, high: 4, n: 1 });
});

test("outcomes are kept in a form that pairs them again", () => {
  const hits = scoreOf({ value: 0.5, samples: 4, perSample: [1, 0, 1, 0] });
  expect(hits.perSample).toBe("1010");
  expect(scoreOf({ value: 1, samples: 2, perSample: [0.5, 1.5] }).perSample).toEqual([0.5, 1.5]);
  // Two lost and one won of four: -1/4.
  expect(
    differ(scoreOf({ value: 0.75, samples: 4, perSample: [1, 1, 1, 0] }), { ...hits, value: 0.5, perSample: "1001" }),
  ).toMatchObject({
    value: -0.25,
    samples: 4,
  });
  // A metric that is no mean over samples has no interval.
  expect(differ({ value: 0.5, samples: 9 }, { value: 0.75, samples: 9 })).toEqual({
    value: 0.25,
    low: null,
    high: null,
    samples: 9,
  });
});

test("the mean of differences has the mean of their intervals", () => {
  const one = { value: 0.1, low: 0, high: 0.2, samples: 5 };
  const other = { value: 0.3, low: 0.2, high: 0.6, samples: 5 };
  const mean = meanDifference([one, other]);
  expect(mean.value).toBeCloseTo(0.2);
  expect(mean.low).toBeCloseTo(0.1);
  expect(mean.high).toBeCloseTo(0.4);
  expect(meanDifference([one, { ...other, low: null }]).low).toBeNull();
});

test("a point is the seeds of one method at one share", () => {
  const runs = withOutcomes(
    [run(1, {}, record("11110000", 50, 250)), run(2, {}, record("11111100", 25, 500)), run(1, { scope: "global" })],
    original,
  );
  const points = pointsOf(runs, grid);
  expect(points).toHaveLength(1);
  const [point] = points;
  expect(point).toMatchObject({ name: "l1, uniform", ratio: 0.5, failed: 0 });
  expect(point!.compression).toMatchObject({ mean: 3, low: 2, high: 4, n: 2 });
  expect(point!.speedUp).toMatchObject({ mean: 3, low: 2, high: 4 });
  expect(point!.bytes.mean).toBe(1);
  // 4/8 and 6/8 against 7/8.
  expect(point!.accuracy).toMatchObject({ mean: 0.625, low: 0.5, high: 0.75 });
  expect(point!.accuracy.sd).toBeCloseTo(Math.sqrt(2 * 0.125 ** 2));
  expect(point!.change.value).toBeCloseTo(0.625 - 0.875);
  expect(point!.change.low!).toBeLessThan(-0.25);
});

test("held-out data chooses, not what is measured", () => {
  const held = (value: number) => ({ heldOut: { value, samples: 8 } });
  const runs = withOutcomes(
    [
      run(1, {}, record("11110000", 50, 250, held(0.9))),
      run(1, { scope: "global" }, record("11111110", 50, 250, held(0.8))),
    ],
    original,
  );
  const points = pointsOf(runs, grid);
  expect(choicesOf(points, "higher").map(({ point }) => point.method.scope)).toEqual(["uniform"]);
  expect(choicesOf(points, "lower").map(({ point }) => point.method.scope)).toEqual(["global"]);
});

test("answers pair runs that differ in one choice alone", () => {
  const long = (hits: number) => "1".repeat(hits) + "0".repeat(100 - hits);
  const done = (hits: number) => record(long(hits), 50, 500);
  const runs = withOutcomes(
    [
      run(1, {}, done(90)),
      run(1, { scope: "global" }, done(92)),
      run(1, { score: "random" }, done(40)),
      run(2, { score: "random" }, done(50)),
      run(1, { score: "random", scope: "global" }, done(30)),
      run(2, { score: "random", scope: "global" }),
    ],
    record(long(95), 100, 1000),
  );
  const [magnitude, global, ...rest] = answersOf(runs, "higher", grid);
  expect(rest).toEqual([]);
  // (90 - 40), (90 - 50) and (92 - 30): the method that ran once stands beside both seeds.
  expect(magnitude).toMatchObject({ first: "random", second: "l1", pairs: 3, wins: 3, verdict: "better", ratio: 0.5 });
  expect(magnitude!.difference.value).toBeCloseTo((0.5 + 0.4 + 0.62) / 3);
  expect(magnitude!.compression).toEqual([2, 2]);
  // Chance is left out of it; two of a hundred may be luck.
  expect(global).toMatchObject({ first: "uniform", second: "global", pairs: 1, wins: 1, verdict: "unclear" });
  expect(answersOf(runs, "lower", grid)[0]).toMatchObject({ wins: 0, verdict: "worse" });
});
