// y = RMS norm of (input + skip + bias) * gamma.

import { normaliseSum } from "../normalisation/skip.js";
import { defineGradient } from "./rule.js";

export const skipRmsNorm = defineGradient({
  name: "skip-rms-norm",
  summary: "SkipSimplifiedLayerNormalization: with bias and the sum",
  operators: ["com.microsoft:SkipSimplifiedLayerNormalization"],
  backward: (site) => normaliseSum(site, { centred: false, beta: -1, bias: 3 }),
});
