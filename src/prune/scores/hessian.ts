// Optimal brain damage (LeCun et al. 1990): h w^2 / 2 with the diagonal h of the loss's Hessian. Estimated diagonals may come out
// below 0: their magnitude counts.

import { defineScore } from "./score.js";

export const hessian = defineScore({
  name: "hessian",
  summary: "Second-order change of the loss without it: |h| w^2 / 2, h from the diagonal of the Hessian",
  reference: "https://proceedings.neurips.cc/paper/1989/hash/6c9882bbac1c7093bd25041881277658-Abstract.html",
  needs: ["curvature"],
  element: ({ values, curvature }) => values.map((value, at) => (Math.abs(curvature![at]!) * value * value) / 2),
});
