// Activation magnitude: the mean of |x| of a channel behind its activation function.

import { defineScore } from "./score.js";

export const activation = defineScore({
  name: "activation",
  summary: "Mean magnitude of what a channel gives, behind its activation function",
  reference: "https://arxiv.org/abs/1611.06440",
  needs: ["activations"],
  lacking: "what it gives is no value of the graph",
  fits: ({ places }) => places.some(({ constant }) => !constant),
  unit: async ({ activations }) => activations?.magnitude,
});
