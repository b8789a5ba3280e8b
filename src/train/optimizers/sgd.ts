// Stochastic gradient descent, as torch.optim.SGD has it: dampening 0, decay added to the gradient.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { decayed, defineOptimizer } from "./optimizer.js";

export const sgd = defineOptimizer({
  name: "sgd",
  summary: "Stochastic gradient descent with momentum",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html",
  options: z.object({
    momentum: z.number().min(0).lt(1).default(0.9).describe("Share of the last step that goes on; 0: none"),
    nesterov: z.boolean().default(false).describe("Look ahead by the momentum"),
  }),
  rate: 0.01,
  state: ({ momentum }) => (momentum > 0 ? ["momentum"] : []),
  update(site) {
    const { emit, options, weight, rate } = site;
    const { momentum, nesterov } = options;
    if (nesterov && momentum === 0) {
      throw invalid("option-invalid", "Nesterov's step looks ahead by the momentum, and there is none.", {
        expected: "a momentum above 0",
        found: "momentum 0",
      });
    }
    const gradient = decayed(site);
    if (momentum === 0) return { weight: emit.sub(weight, emit.mul(gradient, rate)), state: {} };
    const moved = emit.add(emit.scale(site.state("momentum"), momentum), gradient);
    const step = nesterov ? emit.add(gradient, emit.scale(moved, momentum)) : moved;
    return { weight: emit.sub(weight, emit.mul(step, rate)), state: { momentum: moved } };
  },
});
