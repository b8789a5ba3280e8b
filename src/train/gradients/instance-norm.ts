// y = xhat * scale + bias, xhat normalised over each channel of a sample.

import { normaliseGroups } from "../normalisation/groups.js";
import { defineGradient } from "./rule.js";

export const instanceNorm = defineGradient({
  name: "instance-norm",
  summary: "InstanceNormalization",
  reference: "https://arxiv.org/abs/1607.08022",
  operators: ["InstanceNormalization"],
  backward: (site) => normaliseGroups(site, site.emit.dims(site.input(0))[1]!),
});
