// APoZ (Hu et al. 2016): the average percentage of zeros of a channel; importance is the share that is not zero.

import { defineScore } from "./score.js";

export const apoz = defineScore({
  name: "apoz",
  summary: "Share of a channel's values that are not zero behind its activation function (1 - APoZ)",
  reference: "https://arxiv.org/abs/1607.03250",
  needs: ["activations"],
  lacking: "what it gives is no value of the graph",
  fits: ({ places }) => places.some(({ constant }) => !constant),
  unit: async ({ activations }) => activations?.zeros.map((share) => 1 - share),
});
