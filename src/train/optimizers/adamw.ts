// AdamW, as torch.optim.AdamW has it: decay shrinks the weight itself.

import { adamOptions, adamScalars, adamState, adamStep } from "./adaptive.js";
import { defineOptimizer, shrunk } from "./optimizer.js";

export const adamw = defineOptimizer({
  name: "adamw",
  summary: "Adam whose weight decay shrinks the weights apart from the gradient",
  reference: "https://arxiv.org/abs/1711.05101",
  options: adamOptions,
  rate: 0.001,
  state: () => adamState,
  scalars: adamScalars,
  update: (site) => adamStep(site, shrunk(site), site.gradient),
});
