// y = xhat * scale, xhat the input with mean square 1 over the axes from `axis` on.

import { normaliseLastAxes } from "../normalisation/last-axes.js";
import { defineGradient } from "./rule.js";

export const rmsNorm = defineGradient({
  name: "rms-norm",
  summary: "RMSNormalization and SimplifiedLayerNormalization: any axis",
  reference: "https://arxiv.org/abs/1910.07467",
  operators: ["RMSNormalization", "SimplifiedLayerNormalization"],
  backward: (site) => normaliseLastAxes(site, { centred: false }),
});
