// SparseGPT (Frantar and Alistarh 2023), OBS: w^2 over the diagonal of the inverse Hessian of the layer's squared error, which is
// what removing one weight costs once the others have made good what they can. `solve` also makes it good.

import { defineScore } from "./score.js";

export const sparsegpt = defineScore({
  name: "sparsegpt",
  summary:
    "What removing a weight costs when the others of its row make it good: w^2 over the inverse Hessian's diagonal",
  reference: "https://arxiv.org/abs/2301.00774",
  needs: ["correlations"],
  lacking: "it is not known what it is multiplied with",
  element: ({ values, inverseHessian }) => values.map((value, at) => (value * value) / inverseHessian![at]!),
});
