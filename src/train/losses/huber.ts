// Squared near the target, absolute far from it, as torch.nn.HuberLoss has it.

import { z } from "zod";
import { difference, meanOfSample, numbersLike } from "./difference.js";
import { defineLoss, perSample } from "./loss.js";

export const huber = defineLoss({
  name: "huber",
  summary: "Half the squared difference up to delta, then delta times the absolute one: outliers pull less",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html",
  options: z.object({ delta: z.number().positive().default(1).describe("Where the square ends") }),
  reads: "output",
  heads: ["none", "softmax", "log-softmax", "sigmoid"],
  target: numbersLike,
  write(site) {
    const { emit, options } = site;
    const { off, rank, size } = difference(site);
    const bounds = [emit.number(-options.delta), emit.number(options.delta)];
    const clipped = emit.op("Clip", [off, ...bounds], { dims: emit.dims(off) });
    // d^2 / 2 = d (d - d/2) and delta (|d| - delta / 2) are both c (d - c / 2), c the difference clipped.
    const loss = emit.mul(clipped, emit.sub(off, emit.scale(clipped, 0.5)));
    return {
      sums: meanOfSample(emit, loss),
      gradient: (share) => emit.mul(clipped, perSample(emit, emit.scale(share, 1 / size), rank)),
    };
  },
});
