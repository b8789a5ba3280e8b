// Chance: the baseline that every score has to beat.

import { defineScore } from "./score.js";

export const random = defineScore({
  name: "random",
  summary: "Chance, by the seed: the baseline that every other score has to beat",
  reference: "https://arxiv.org/abs/2003.03033",
  needs: [],
  element: ({ values, random: draw }) => Float32Array.from(values, () => draw()),
  // Not the sum over elements: that would favour units that hold many.
  unit: async ({ group, random: draw }) => Float64Array.from({ length: group.units }, () => draw()),
});
