// Binary cross-entropy on logits, as torch.nn.BCEWithLogitsLoss has it: stable for logits of any size.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { meanOfSample } from "./difference.js";
import { defineLoss, perSample } from "./loss.js";
import { numberTarget } from "./targets.js";

export const binaryCrossEntropy = defineLoss({
  name: "binary-cross-entropy",
  summary: "Cross-entropy of the sigmoid of each logit with a target from 0 to 1",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
  options: z.object({
    positiveWeights: z
      .array(z.number().positive())
      .optional()
      .describe("How much a positive target weighs, for each place of the last axis"),
  }),
  reads: "logits",
  heads: ["none", "sigmoid"],
  target({ prediction: { dims }, options: { positiveWeights }, output }) {
    if (positiveWeights !== undefined && positiveWeights.length !== dims.at(-1)) {
      throw invalid("loss-output", "There are not as many positive weights as the output has places.", {
        node: output,
        expected: String(dims.at(-1)),
        found: String(positiveWeights.length),
      });
    }
    return numberTarget(dims, 0, 1);
  },
  write({ emit, value, target, options: { positiveWeights } }) {
    const dims = emit.dims(value);
    const one = emit.number(1);
    // With p the weight of a positive: (1 - t) z + (1 + (p - 1) t) log(1 + e^-z), and log(1 + e^-z) = max(-z, 0) + log(1 + e^-|z|).
    const soft = emit.add(
      emit.op("Relu", [emit.neg(value)]),
      emit.log(emit.shift(emit.exp(emit.neg(emit.abs(value))), 1)),
    );
    const weights =
      positiveWeights &&
      emit.floats(
        [positiveWeights.length],
        positiveWeights.map((weight) => weight - 1),
      );
    const weight = weights && emit.shift(emit.mul(target, weights), 1);
    const negative = emit.sub(one, target);
    const loss = emit.add(emit.mul(negative, value), weight === undefined ? soft : emit.mul(weight, soft));
    return {
      sums: meanOfSample(emit, loss),
      gradient(share) {
        const size = dims.slice(1).reduce((all, each) => all * each, 1);
        const shares = perSample(emit, emit.scale(share, 1 / size), dims.length);
        const sigmoid = emit.sigmoid(value);
        if (weight === undefined) return emit.mul(emit.sub(sigmoid, target), shares);
        return emit.mul(emit.add(negative, emit.mul(weight, emit.sub(sigmoid, one))), shares);
      },
    };
  },
});
