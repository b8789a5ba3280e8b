// The mean of absolute differences, as torch.nn.L1Loss has it: the derivative at 0 is 0.

import { z } from "zod";
import { difference, meanOfSample, numbersLike } from "./difference.js";
import { defineLoss, perSample } from "./loss.js";

export const l1 = defineLoss({
  name: "l1",
  summary: "Mean of the absolute differences from target numbers",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.L1Loss.html",
  options: z.object({}),
  reads: "output",
  heads: ["none", "softmax", "log-softmax", "sigmoid"],
  target: numbersLike,
  write(site) {
    const { emit } = site;
    const { off, rank, size } = difference(site);
    return {
      sums: meanOfSample(emit, emit.abs(off)),
      gradient: (share) => emit.mul(emit.sign(off), perSample(emit, emit.scale(share, 1 / size), rank)),
    };
  },
});
