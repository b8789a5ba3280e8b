// y = (x - mean) s + b per channel, s = scale / sqrt(variance + epsilon). Frozen, mean and variance are inputs. In training
// they are those of the batch, and the gradient flows through them (Ioffe and Szegedy 2015):
//   dx = s (dy - sum(dy) / n - xhat sum(dy xhat) / n), with xhat the normalised x.

import { float, floatOf, intOf } from "../../ir/attributes.js";
import { elementCount } from "../../tensor/dtype.js";
import { channelSums } from "../convolution/sums.js";
import type { Emitter } from "../emitter.js";
import { defineGradient, type GradientSite } from "./rule.js";

export const batchNorm = defineGradient({
  name: "batch-norm",
  summary: "BatchNormalization: frozen, and in training through the statistics of the batch",
  reference: "https://arxiv.org/abs/1502.03167",
  operators: ["BatchNormalization"],
  // The running statistics have no part in the result of the training form.
  differentiable: (index, node) => index < 3 || intOf(node, "training_mode", 0) === 0,
  backward(site) {
    const { emit, gradient, needs, node } = site;
    const dy = gradient(0);
    // Only running statistics are read, which are no path to a loss.
    if (dy === undefined) return [];
    const training = intOf(node, "training_mode", 0) === 1;
    const { mean, variance } = training ? batchStatistics(site) : { mean: site.input(3), variance: site.input(4) };
    const x = site.input(0);
    const scale = site.input(1);
    const epsilon = floatOf(node, "epsilon", 1e-5);
    const inverse = emit.pow(emit.shift(variance, epsilon), emit.like(-0.5, variance));
    const factor = emit.mul(scale, inverse);

    const summed = (training && needs(0)) || needs(1) || needs(2) || needs(3) || needs(4);
    const sum = summed ? channelSums(emit, dy) : "";
    const scaled = (training && needs(0)) || needs(1) || needs(4);
    // sum(dy xhat)
    const product = scaled ? emit.mul(emit.sub(channelSums(emit, emit.mul(dy, x)), emit.mul(mean, sum)), inverse) : "";

    return [
      needs(0) ? (training ? throughStatistics() : emit.mul(dy, perChannel(emit, factor, emit.rank(x)))) : undefined,
      needs(1) ? product : undefined,
      needs(2) ? sum : undefined,
      needs(3) ? emit.neg(emit.mul(sum, factor)) : undefined,
      needs(4) ? emit.scale(emit.mul(product, emit.mul(factor, inverse)), -0.5) : undefined,
    ];

    /** s dy - (xhat s sum(dy xhat) / n + s sum(dy) / n): what is in brackets is a batch normalisation again, one pass. */
    function throughStatistics(): string {
      const { dims } = emit.shape(x);
      const share = emit.scale(factor, dims[1]! / elementCount(dims));
      const back = emit.op("BatchNormalization", [x, emit.mul(share, product), emit.mul(share, sum), mean, variance], {
        dims,
        attributes: { epsilon: float(epsilon) },
      });
      return emit.sub(emit.mul(dy!, perChannel(emit, factor, dims.length)), back);
    }
  },
});

/** [C] to stand at axis 1 of a tensor of this rank. */
const perChannel = (emit: Emitter, x: string, rank: number) =>
  emit.reshape(x, [emit.dims(x)[0]!, ...Array.from({ length: rank - 2 }, () => 1)]);

/** With momentum 0 the node's further results are the statistics of the batch; else they are computed. */
function batchStatistics({ node, emit, input, output }: GradientSite): { mean: string; variance: string } {
  if (floatOf(node, "momentum", 0.9) === 0 && output(1) !== "" && output(2) !== "") {
    return { mean: output(1), variance: output(2) };
  }
  const x = input(0);
  const axes = [...emit.dims(x).keys()].filter((axis) => axis !== 1);
  const mean = emit.reduceMean(x, axes, false);
  const centred = emit.sub(x, perChannel(emit, mean, emit.rank(x)));
  const count = elementCount(emit.dims(x)) / emit.dims(mean)[0]!;
  return { mean, variance: emit.scale(emit.reduceSquares(centred, axes, false), 1 / count) };
}
