// y = xhat * scale + bias, xhat normalised over each group of channels of a sample.

import { intOf } from "../../ir/attributes.js";
import { normaliseGroups } from "../normalisation/groups.js";
import { defineGradient } from "./rule.js";

export const groupNorm = defineGradient({
  name: "group-norm",
  summary: "GroupNormalization, with a scale per channel (opset 21) or per group",
  reference: "https://arxiv.org/abs/1803.08494",
  operators: ["GroupNormalization"],
  backward: (site) => normaliseGroups(site, intOf(site.node, "num_groups", 1)),
});
