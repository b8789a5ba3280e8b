// y = xhat * scale + bias, xhat the input with mean 0 and variance 1 over the axes from `axis` on. The statistics are results
// too, with gradients of their own.

import { normaliseLastAxes } from "../normalisation/last-axes.js";
import { defineGradient } from "./rule.js";

export const layerNorm = defineGradient({
  name: "layer-norm",
  summary: "LayerNormalization: any axis, with and without bias, its statistics",
  reference: "https://arxiv.org/abs/1607.06450",
  operators: ["LayerNormalization"],
  backward: (site) => normaliseLastAxes(site, { centred: true }),
});
