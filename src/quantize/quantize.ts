// The quantize step: weights, and where asked activations, in fewer bits.

import { defineStep } from "../step/step.js";
import { quantizeOptions, settle } from "./options.js";
import { schemeFor } from "./schemes/index.js";

/**
 * `{ method: "quantize", weights, activations, ... }`. Throws `invalid("quantize-options")` for options that contradict
 * each other, `unsupported("heap-limit")`, and what raising the opset throws. Weights are read when the result is.
 */
export const quantizeStep = defineStep({
  name: "quantize",
  summary: "Store weights, and where asked compute, in fewer bits",
  options: quantizeOptions,
  async apply(model, options, context) {
    const settings = settle(options);
    return schemeFor(settings).apply(model, settings, context);
  },
});
