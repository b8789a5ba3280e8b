import { expect, test } from "vitest";
import { learningRate, type ScheduleChoice } from "../learning-rate.js";

const cases: Readonly<Record<string, ScheduleChoice>> = {
  cosine: { name: "cosine" },
  "cosine end": { name: "cosine", end: 0.1 },
  linear: { name: "linear", end: 0.25 },
  step: { name: "step", at: [0.5, 0.8] },
  "one-cycle": { name: "one-cycle" },
};

/** Ten updates at a rate of 0.4: CosineAnnealingLR, LinearLR, MultiStepLR and OneCycleLR (of 11) of PyTorch 2.15. */
const torch: Readonly<Record<string, readonly number[]>> = {
  cosine: [0.4, 0.3902113, 0.3618034, 0.3175571, 0.2618034, 0.2, 0.1381966, 0.08244295, 0.0381966, 0.009788697],
  "cosine end": [0.4, 0.3911902, 0.3656231, 0.3258013, 0.2756231, 0.22, 0.1643769, 0.1141987, 0.07437694, 0.04880983],
  linear: [0.4, 0.37, 0.34, 0.31, 0.28, 0.25, 0.22, 0.19, 0.16, 0.13],
  step: [0.4, 0.4, 0.4, 0.4, 0.4, 0.04, 0.04, 0.04, 0.004, 0.004],
  "one-cycle": [
    0.016, 0.1689364, 0.3841046, 0.3918986, 0.3537903, 0.2904348, 0.2122331, 0.1320232, 0.06297301, 0.01641822,
  ],
};

test.each(Object.keys(cases))("%s gives PyTorch's learning rates", (name) => {
  const rate = learningRate(cases[name]!, 0.4, name === "one-cycle" ? 11 : 10);
  for (const [step, expected] of torch[name]!.entries()) expect(rate(step), `step ${step}`).toBeCloseTo(expected, 7);
});

test("a warm-up rises evenly, and the schedule has what is left", () => {
  const rate = learningRate({ name: "linear", warmup: 4 }, 1, 12);
  expect([0, 1, 2, 3].map(rate)).toEqual([0.25, 0.5, 0.75, 1]);
  expect([4, 8, 11].map(rate)).toEqual([1, 0.5, 0.125]);
});

test("constant stays, one-cycle ends at its lowest", () => {
  expect([0, 5, 99].map(learningRate({ name: "constant" }, 0.3, 100))).toEqual([0.3, 0.3, 0.3]);
  const rate = learningRate({ name: "one-cycle", rise: 0.5, start: 10, end: 100 }, 1, 20);
  expect(rate(0)).toBeCloseTo(0.1);
  expect(rate(9)).toBeCloseTo(1);
  expect(rate(19)).toBeCloseTo(0.001);
});

test("a schedule that there is not is refused with the nearest name", () => {
  expect(() => learningRate({ name: "cosin" }, 1, 10)).toThrow('no schedule "cosin"');
});
