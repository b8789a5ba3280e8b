// The mean of squared differences, as torch.nn.MSELoss has it.

import { z } from "zod";
import { difference, numbersLike } from "./difference.js";
import { defineLoss, inner, perSample } from "./loss.js";

export const meanSquared = defineLoss({
  name: "mean-squared",
  summary: "Mean of the squared differences from target numbers",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html",
  options: z.object({}),
  reads: "output",
  heads: ["none", "softmax", "log-softmax", "sigmoid"],
  target: numbersLike,
  write(site) {
    const { emit } = site;
    const { off, rank, size } = difference(site);
    return {
      sums: emit.scale(emit.reduceSquares(off, inner(emit.dims(off)), false), 1 / size),
      gradient: (share) => emit.mul(off, perSample(emit, emit.scale(share, 2 / size), rank)),
    };
  },
});
