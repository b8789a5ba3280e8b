// Network slimming: the magnitude of the scales of batch normalisations, so that many of them become zero; each stands for a
// channel.

import { z } from "zod";
import { defineRegulariser, sumOf } from "./regulariser.js";

export const slimming = defineRegulariser({
  name: "slimming",
  summary: "The magnitude of batch-norm scales: channels whose scale becomes zero can go",
  reference: "https://arxiv.org/abs/1708.06519",
  options: z.object({
    strength: z.number().positive().default(1e-4).describe("Factor of the sum of magnitudes in the loss"),
  }),
  penalty({ emit, groups }, { strength }) {
    const scales = [...new Set(groups.flatMap((group) => group.scales))];
    const sum = sumOf(
      emit,
      scales.map((scale) => emit.total(emit.abs(scale))),
    );
    return sum && emit.scale(sum, strength);
  },
});
