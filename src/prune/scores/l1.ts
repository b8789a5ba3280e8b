// Magnitude: |w|. For units the sum of it, the L1 norm of a filter (Li et al. 2017).

import { defineScore } from "./score.js";

export const l1 = defineScore({
  name: "l1",
  summary: "Magnitude: |w|; for channels the L1 norm of their weights",
  reference: "https://arxiv.org/abs/1608.08710",
  needs: [],
  element: ({ values }) => values.map(Math.abs),
});
