// What the tests of native forms ask: the step on a model without data, and the bytes of a constant that it wrote.

import type { Initializer, Model } from "../../src/ir/model.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { stepContext } from "./step-context.js";

export const apply = (model: Model, options: object, target = "any") =>
  quantizeStep.apply(model, quantizeStep.options.parse({ minimum: 16, ...options }), stepContext([], target));

export const bytesOf = async (found: Initializer | undefined) => {
  if (found === undefined || !("data" in found)) throw new Error("no such constant");
  return (await found.data.read()).slice();
};
export const floatsOf = async (found: Initializer | undefined) => new Float32Array((await bytesOf(found)).buffer);
