// Magnitude squared: w^2, in the order of |w|. For units the sum of it, the squared L2 norm of a filter.

import { defineScore } from "./score.js";

export const l2 = defineScore({
  name: "l2",
  summary: "Magnitude squared: w^2; for channels the squared L2 norm of their weights",
  reference: "https://arxiv.org/abs/1506.02626",
  needs: [],
  element: ({ values }) => values.map((value) => value * value),
});
