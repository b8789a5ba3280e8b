// Group lasso: the norm of every unit, all coupled weights together, so that whole units go to zero. Its pull does not shrink
// with the unit, and is larger where a unit has more elements (Yuan and Lin 2006; over coupled weights: Fang et al. 2023).

import { z } from "zod";
import { defineRegulariser, sumOf } from "./regulariser.js";

/** Below this a norm is flat: its gradient at 0 would be infinite. */
const FLAT = 1e-12;

export const groupLasso = defineRegulariser({
  name: "group-lasso",
  summary: "The norm of every unit over all its coupled weights: whole units are drawn to zero",
  reference: "https://arxiv.org/abs/2301.12900",
  options: z.object({
    strength: z.number().positive().default(1e-4).describe("Factor of the sum of norms in the loss"),
  }),
  penalty({ emit, groups }, { strength }) {
    const norms = groups
      .filter(({ elements }) => elements > 0)
      .map((group) => {
        const norm = emit.total(emit.sqrt(emit.shift(group.squares(), FLAT)));
        return emit.scale(norm, strength * Math.sqrt(group.elements));
      });
    return sumOf(emit, norms);
  },
});
