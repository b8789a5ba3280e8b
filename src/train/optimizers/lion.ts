// Lion: steps of one size, in the direction of the sign. Decay shrinks the weight itself.

import { z } from "zod";
import { defineOptimizer, shrunk } from "./optimizer.js";

export const lion = defineOptimizer({
  name: "lion",
  summary: "The sign of an interpolated gradient; one state a weight",
  reference: "https://arxiv.org/abs/2302.06675",
  options: z.object({
    beta1: z.number().min(0).lt(1).default(0.9).describe("Share of the memory in the direction of the step"),
    beta2: z.number().min(0).lt(1).default(0.99).describe("How long the memory lasts"),
  }),
  rate: 0.0001,
  state: () => ["mean"],
  update(site) {
    const { emit, options, gradient, rate } = site;
    const before = site.state("mean");
    const blend = (share: number) => emit.add(emit.scale(before, share), emit.scale(gradient, 1 - share));
    const step = emit.mul(emit.sign(blend(options.beta1)), rate);
    return { weight: emit.sub(shrunk(site), step), state: { mean: blend(options.beta2) } };
  },
});
