// y = x s^-beta with s = bias + alpha / size * (sum of x^2 over neighbouring channels) (Krizhevsky et al. 2012):
//   dx = dy s^-beta - 2 alpha beta / size * x * (sum of dy y / s over the channels whose neighbours x is among).

import { floatOf, intOf } from "../../ir/attributes.js";
import { product } from "../../ops/operator.js";
import type { Emitter } from "../emitter.js";
import { defineGradient } from "./rule.js";

export const lrn = defineGradient({
  name: "lrn",
  summary: "LRN: local response normalization across channels",
  operators: ["LRN"],
  backward({ node, emit, input, output, gradient }) {
    const [x, y, dy] = [input(0), output(0), gradient(0)!];
    const size = intOf(node, "size", 1);
    const alpha = floatOf(node, "alpha", 1e-4);
    const beta = floatOf(node, "beta", 0.75);
    // Channel c sees c - before .. c + after.
    const before = Math.floor((size - 1) / 2);
    const after = Math.ceil((size - 1) / 2);
    const s = emit.shift(emit.scale(neighbours(emit, emit.square(x), before, after), alpha), floatOf(node, "bias", 1));
    const direct = emit.mul(dy, emit.pow(s, emit.like(-beta, s)));
    const seen = neighbours(emit, emit.div(emit.mul(dy, y), s), after, before);
    return [emit.sub(direct, emit.mul(emit.scale(x, 2 * alpha * beta), seen))];
  },
});

/** The sum over neighbouring channels divided by how many they may be. */
function neighbours(emit: Emitter, x: string, before: number, after: number): string {
  const dims = emit.dims(x);
  const image = [dims[0]!, 1, dims[1]!, product(dims.slice(2))];
  const mean = emit.op("AveragePool", [emit.reshape(x, image)], {
    dims: image,
    attributes: { kernel_shape: [before + after + 1, 1], pads: [before, 0, after, 0], count_include_pad: 1 },
  });
  return emit.reshape(mean, dims);
}
