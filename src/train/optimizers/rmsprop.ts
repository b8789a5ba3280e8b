// RMSprop, as torch.optim.RMSprop has it (not centred).

import { z } from "zod";
import { decayed, defineOptimizer } from "./optimizer.js";

export const rmsprop = defineOptimizer({
  name: "rmsprop",
  summary: "Gradients divided by the root of their mean square",
  reference: "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
  options: z.object({
    alpha: z.number().min(0).lt(1).default(0.99).describe("How long the mean of squares remembers"),
    epsilon: z.number().positive().default(1e-8).describe("Keeps the step finite where gradients vanish"),
    momentum: z.number().min(0).lt(1).default(0).describe("Share of the last step that goes on; 0: none"),
  }),
  rate: 0.01,
  state: ({ momentum }) => (momentum > 0 ? ["square", "momentum"] : ["square"]),
  update(site) {
    const { emit, options, weight, rate } = site;
    const { alpha, epsilon, momentum } = options;
    const gradient = decayed(site);
    const fresh = emit.scale(emit.square(gradient), 1 - alpha);
    const square = emit.add(emit.scale(site.state("square"), alpha), fresh);
    const step = emit.div(gradient, emit.shift(emit.sqrt(square), epsilon));
    if (momentum === 0) return { weight: emit.sub(weight, emit.mul(step, rate)), state: { square } };
    const moved = emit.add(emit.scale(site.state("momentum"), momentum), step);
    return { weight: emit.sub(weight, emit.mul(moved, rate)), state: { square, momentum: moved } };
  },
});
