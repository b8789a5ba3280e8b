// The quantize step: weights, and where asked activations, in fewer bits.

import { defineStep } from "../step/step.js";
import { quantizeOptions } from "./options.js";
import { chooseScheme } from "./schemes/index.js";

/**
 * `{ method: "quantize", weights, activations, ... }`. Throws `invalid("quantize-options")` for options that contradict
 * each other or would do nothing, `unsupported("heap-limit")`, and what raising the opset throws. Weights are read when the result is.
 */
export const quantizeStep = defineStep({
  name: "quantize",
  summary: "Store weights, and where asked compute, in fewer bits",
  options: quantizeOptions,
  async apply(model, options, context) {
    // One seed for everything random, unless the recipe states its own.
    const seed = options.rounding === "stochastic" ? (options.seed ?? context.seed) : options.seed;
    const { scheme, settings } = chooseScheme({ ...options, seed }, context.target);
    return scheme.apply(model, settings, context);
  },
});
