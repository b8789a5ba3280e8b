// SNIP (Lee et al. 2019): |w g|. The paper divides by the sum over all weights, which changes no order.

import { defineScore } from "./score.js";

export const snip = defineScore({
  name: "snip",
  summary: "Sensitivity of the loss to the presence of each weight: |w g|; for channels the sum of it",
  reference: "https://arxiv.org/abs/1810.02340",
  needs: ["gradients"],
  element: ({ values, gradient }) => values.map((value, at) => Math.abs(value * gradient![at]!)),
});
