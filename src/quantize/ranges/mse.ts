// The range that gives the least squared error of the weights, among evenly spaced ones up to the whole range.

import { defineRange } from "./range.js";

export const mse = defineRange({
  name: "mse",
  summary: "Of rangeSteps ranges, the whole one among them, that of the least squared error of the weights",
  reference: "https://arxiv.org/abs/1810.05723",
  kernel: ({ rangeSteps }) => ({ kind: "mse", steps: rangeSteps }),
});
