// SmoothQuant: where a few channels of an activation are far larger than the others, one range for all of them wastes codes.
// Each channel is divided by s_j = max|x_j|^alpha / max|w_j|^(1 - alpha), and the weights that it meets are multiplied by it.

import { calibrationRanges } from "../calibration/ranges/index.js";
import type { Settings } from "../options.js";
import { defineRepair, isStatic } from "./repair.js";
import { powers, tied, weightMagnitudes } from "./scaling/scales.js";
import { rescaled } from "./scaling/scaling.js";
import type { ActivationCodes } from "./scaling/trial.js";

export const smooth = defineRepair({
  name: "smooth",
  summary: "SmoothQuant: large channels of activations become smaller, the weights that they meet larger",
  reference: "https://arxiv.org/abs/2211.10438",
  stage: "before",
  obstacle: ({ activations }) =>
    activations === "float" ? "activations stay float, and have no range to even out" : undefined,
  byDefault: () => false,
  apply: (given) =>
    rescaled(given, {
      name: "smooth",
      codes: codesOf(given.settings),
      async families(group, { min, max }, editor) {
        const largest = tied(
          group,
          max.map((high, at) => Math.max(high, -min[at]!)),
        );
        const weights = tied(group, await weightMagnitudes(editor, group));
        // 0 evens out the weights, 1 the activations.
        return [{ name: "alpha", scales: (alpha) => powers(largest, weights, alpha, 1 - alpha) }];
      },
    }),
});

function codesOf(settings: Settings): ActivationCodes {
  const { activations, activationRange } = settings;
  if (!isStatic(settings)) return { bits: 8, clips: false };
  return {
    bits: activations.endsWith("16") ? 16 : 8,
    clips: calibrationRanges.get(activationRange).needs === "histogram",
  };
}
