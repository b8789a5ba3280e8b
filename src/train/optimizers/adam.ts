// Adam, as torch.optim.Adam has it: decay is added to the gradient.

import { adamOptions, adamScalars, adamState, adamStep } from "./adaptive.js";
import { decayed, defineOptimizer } from "./optimizer.js";

export const adam = defineOptimizer({
  name: "adam",
  summary: "Steps divided by the root of the mean squared gradient; decay is part of the gradient",
  reference: "https://arxiv.org/abs/1412.6980",
  options: adamOptions,
  rate: 0.001,
  state: () => adamState,
  scalars: adamScalars,
  update: (site) => adamStep(site, site.weight, decayed(site)),
});
