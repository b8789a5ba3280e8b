// One minus the cosine between prediction and target, as torch.nn.CosineEmbeddingLoss has it for pairs that belong together.

import { z } from "zod";
import { numbersLike } from "./difference.js";
import { defineLoss, inner, perSample } from "./loss.js";

/** PyTorch's: added to squared lengths. */
const EPSILON = 1e-12;

export const cosine = defineLoss({
  name: "cosine",
  summary: "One minus the cosine of the angle between each sample's output and its target vector",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html",
  options: z.object({}),
  reads: "output",
  heads: ["none", "softmax", "log-softmax", "sigmoid"],
  target: numbersLike,
  write({ emit, value, target }) {
    const axes = inner(emit.dims(value));
    const squared = (of: string) => emit.shift(emit.reduceSquares(of, axes, false), EPSILON);
    const own = squared(value);
    const inverse = emit.reciprocal(emit.sqrt(emit.mul(own, squared(target))));
    const cosine = emit.mul(emit.reduceSum(emit.mul(value, target), axes, false), inverse);
    return {
      sums: emit.sub(emit.number(1), cosine),
      // d cos = (b / (|a| |b|) - cos a / |a|^2) da
      gradient(share) {
        const rank = emit.rank(value);
        const along = perSample(emit, emit.mul(share, emit.div(cosine, own)), rank);
        const across = perSample(emit, emit.mul(share, inverse), rank);
        return emit.sub(emit.mul(value, along), emit.mul(target, across));
      },
    };
  },
});
