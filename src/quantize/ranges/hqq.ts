// The scale that lets a few weights be far off so that the many are near.

import { defineRange } from "./range.js";

export const hqq = defineRange({
  name: "hqq",
  summary: "Half-quadratic: scale and zero point of the least sum of |error|^0.7, found without data",
  reference: "https://mobiusml.github.io/hqq_blog/",
  kernel: ({ rangeSteps }) => ({ kind: "mse", steps: rangeSteps }),
  fitted: "hqq",
});
