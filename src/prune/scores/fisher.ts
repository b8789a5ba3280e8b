// Fisher information (Theis et al. 2018): w^2 E[g^2] / 2, the diagonal of the empirical Fisher in the place of the Hessian.

import { defineScore } from "./score.js";

export const fisher = defineScore({
  name: "fisher",
  summary: "w^2 g^2 / 2, with the mean of the squared gradients of batches (the empirical Fisher information)",
  reference: "https://arxiv.org/abs/1801.05787",
  needs: ["gradients"],
  element: ({ values, gradientSquares }) => values.map((value, at) => (value * value * gradientSquares![at]!) / 2),
});
