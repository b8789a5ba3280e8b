// Growing regularisation (GReg-1): the units that will go are chosen first, and the L2 penalty on them grows while the model is
// trained, so that it learns to do without them before they go.

import { z } from "zod";
import { defineRegulariser, sumOf } from "./regulariser.js";

export const growing = defineRegulariser({
  name: "growing",
  summary: "Half the squares of the units that will go, by a factor that grows evenly over the training",
  reference: "https://arxiv.org/abs/2012.09243",
  options: z.object({
    strength: z.number().positive().default(1).describe("Factor of the penalty at the last update"),
  }),
  chooses: true,
  penalty({ emit, groups, progress }, { strength }) {
    const squares = groups
      .filter(({ elements, smallest }) => elements > 0 && smallest.length > 0)
      .map((group) => emit.total(emit.gather(group.squares(), emit.ints(group.smallest))));
    const sum = sumOf(emit, squares);
    return sum && emit.mul(sum, emit.scale(progress(), strength / 2));
  },
});
