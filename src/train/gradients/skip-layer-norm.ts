// y = layer norm of (input + skip + bias) * gamma + beta.

import { normaliseSum } from "../normalisation/skip.js";
import { defineGradient } from "./rule.js";

export const skipLayerNorm = defineGradient({
  name: "skip-layer-norm",
  summary: "SkipLayerNormalization: with beta, bias and the sum",
  operators: ["com.microsoft:SkipLayerNormalization"],
  backward: (site) => normaliseSum(site, { centred: true, beta: 3, bias: 4 }),
});
