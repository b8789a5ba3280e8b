// LAMP (Lee et al. 2021): w^2 over the sum of the squares that are not smaller, within a weight. Made for the global scope.

import { lampOf } from "./normalisations.js";
import { defineScore } from "./score.js";

export const lamp = defineScore({
  name: "lamp",
  summary: "w^2 over the sum of all w^2 of its layer that are not smaller; for the global scope",
  reference: "https://arxiv.org/abs/2010.07611",
  needs: [],
  element: ({ values }) => lampOf(values.map((value) => value * value)),
});
