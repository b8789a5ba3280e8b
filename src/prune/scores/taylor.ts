// First-order Taylor expansion (Molchanov et al. 2017, 2019): how much the loss would change if w were 0. For units the sum comes
// before the magnitude: what elements do to the loss may cancel.

import { sumSlices } from "./axes.js";
import { defineScore } from "./score.js";

export const taylor = defineScore({
  name: "taylor",
  summary: "First-order change of the loss without it: |w g|; for channels |sum of w g|",
  reference: "https://arxiv.org/abs/1906.10771",
  needs: ["gradients"],
  element: ({ values, gradient }) => values.map((value, at) => Math.abs(value * gradient![at]!)),
  slice: ({ values, dims, gradient }, slices) =>
    sumSlices(dims, slices, (at) => values[at]! * gradient![at]!).map(Math.abs),
});
