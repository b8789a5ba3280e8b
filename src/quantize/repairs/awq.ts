// AWQ: weights that meet large inputs matter most. They are multiplied by s_j = mean|x_j|^alpha before they are quantized,
// which makes their error smaller, and the inputs are divided by it. alpha is searched where the outputs are least off.

import { defineRepair, floatsObstacle } from "./repair.js";
import { powers, tied, weightMagnitudes } from "./scaling/scales.js";
import { rescaled } from "./scaling/scaling.js";

export const awq = defineRepair({
  name: "awq",
  summary: "AWQ: weights that meet large inputs are made larger before they are quantized, and their inputs smaller",
  reference: "https://arxiv.org/abs/2306.00978",
  stage: "before",
  obstacle(settings) {
    if (settings.activations !== "float") return "it is for weights alone; repair smooth minds activations too";
    if (settings.format.kind === "float" && settings.format.bits >= 16) return floatsObstacle(settings);
    return undefined;
  },
  byDefault: () => false,
  apply: (given) =>
    rescaled(given, {
      name: "awq",
      codes: undefined,
      async families(group, { meanAbs }, editor) {
        const inputs = tied(group, meanAbs);
        const weights = tied(group, await weightMagnitudes(editor, group));
        const ones = new Float64Array(group.channels).fill(1);
        // Weights that are large themselves set the scale of their block: both forms are in use.
        return [
          { name: "alpha", scales: (alpha) => powers(inputs, ones, alpha, 0) },
          { name: "over weights, alpha", scales: (alpha) => powers(inputs, weights, alpha, 1 - alpha) },
        ];
      },
    }),
});
