// Batch normalisation in training: statistics of the batch forward, and the running statistics after it.

import { float, floatOf } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import type { Node } from "../ir/model.js";
import { elementCount } from "../tensor/dtype.js";
import type { Emitter } from "./emitter.js";

export interface TrainingForm {
  /** The node's own first output, which the nodes written now make: what reads it stays as it is. */
  readonly output: string;
  /** [C], of the batch. */
  readonly mean: string;
  /** [C], of the batch, biased: what it is normalised with. */
  readonly variance: string;
  /** The share of the running statistics that stays: ONNX's momentum (its 0.9 is PyTorch's 0.1). */
  readonly momentum: number;
  /** n / (n - 1): PyTorch's running variance is unbiased, that of ONNX's own training form is not. */
  readonly correction: number;
}

/**
 * Writes the training form of an inference BatchNormalization, which is left out then. The gradient flows through one
 * BatchNormalization node with training_mode 1; with a momentum of 0 its further results are the statistics of the batch,
 * which the gradient rule reads again.
 * ONNX Runtime writes these over the inputs of the running ones, so nothing else may read the values that stand there.
 */
export function trainingForm(emit: Emitter, node: Node): TrainingForm {
  const [x, scale, bias, mean, variance] = node.inputs as [string, string, string, string, string];
  const { dtype, dims } = emit.shape(x);
  const output = node.outputs[0]!;
  const momentum = floatOf(node, "momentum", 0.9);
  const statistics = emit.shape(mean);
  const batchMean = emit.declare(emit.unique("batch_mean"), statistics);
  const batchVariance = emit.declare(emit.unique("batch_variance"), statistics);
  emit.declare(output, { dtype, dims });
  emit.nodes.push(
    makeNode("BatchNormalization", [x, scale, bias, mean, variance], [output, batchMean, batchVariance], {
      name: node.name,
      attributes: { epsilon: float(floatOf(node, "epsilon", 1e-5)), momentum: float(0), training_mode: 1 },
    }),
  );
  const count = elementCount(dims) / dims[1]!;
  return {
    output,
    mean: batchMean,
    variance: batchVariance,
    momentum,
    correction: count > 1 ? count / (count - 1) : 1,
  };
}
