// The gradient rules, one operator or family a file.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";
import { add } from "./add.js";
import { averagePool } from "./average-pool.js";
import { batchNorm } from "./batch-norm.js";
import { concat } from "./concat.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { depthToSpace } from "./depth-to-space.js";
import { dequantizeLinear } from "./dequantize-linear.js";
import { einsum } from "./einsum.js";
import { expand } from "./expand.js";
import { gather } from "./gather.js";
import { gatherElements } from "./gather-elements.js";
import { gatherNd } from "./gather-nd.js";
import { gemm } from "./gemm.js";
import { globalAveragePool } from "./global-average-pool.js";
import { globalMaxPool } from "./global-max-pool.js";
import { groupNorm } from "./group-norm.js";
import { instanceNorm } from "./instance-norm.js";
import { layerNorm } from "./layer-norm.js";
import { lpPool } from "./lp-pool.js";
import { lrn } from "./lrn.js";
import { matmul } from "./matmul.js";
import { maxPool } from "./max-pool.js";
import { mul } from "./mul.js";
import { pad } from "./pad.js";
import { quantizeLinear } from "./quantize-linear.js";
import { reduceSum } from "./reduce-sum.js";
import { relu } from "./relu.js";
import { reshape } from "./reshape.js";
import { resize } from "./resize.js";
import { reverseSequence } from "./reverse-sequence.js";
import { rmsNorm } from "./rms-norm.js";
import type { GradientRule } from "./rule.js";
import { scatterElements } from "./scatter-elements.js";
import { scatterNd } from "./scatter-nd.js";
import { skipLayerNorm } from "./skip-layer-norm.js";
import { skipRmsNorm } from "./skip-rms-norm.js";
import { slice } from "./slice.js";
import { spaceToDepth } from "./space-to-depth.js";
import { split } from "./split.js";
import { tile } from "./tile.js";
import { topK } from "./top-k.js";
import { transpose } from "./transpose.js";

export const gradients = registry("gradient rule", [
  // elementwise and activations
  add,
  mul,
  relu,
  // products
  gemm,
  einsum,
  matmul,
  // convolution and pooling
  conv,
  convTranspose,
  maxPool,
  averagePool,
  lpPool,
  globalMaxPool,
  globalAveragePool,
  // normalisation
  batchNorm,
  layerNorm,
  rmsNorm,
  skipLayerNorm,
  skipRmsNorm,
  groupNorm,
  instanceNorm,
  lrn,
  // reductions
  reduceSum,
  // movement
  reshape,
  transpose,
  concat,
  split,
  slice,
  pad,
  expand,
  tile,
  resize,
  depthToSpace,
  spaceToDepth,
  reverseSequence,
  // indexing
  gather,
  gatherElements,
  gatherNd,
  scatterElements,
  scatterNd,
  topK,
  // quantization
  quantizeLinear,
  dequantizeLinear,
]);

/** Results that do not change with small changes of the inputs, or that are no numbers to differentiate. */
const STOPS = new Set(
  `ArgMax ArgMin Shape Size Equal Greater GreaterOrEqual Less LessOrEqual Not And Or Xor IsNaN IsInf NonZero
  ConstantOfShape Constant Range EyeLike OneHot Floor Ceil Round Sign BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
  RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial`.split(/\s+/),
);

const byOperator = new Map<string, GradientRule>();
for (const rule of gradients.list) for (const operator of rule.operators) byOperator.set(operator, rule);

export const gradientRule = (node: Node): GradientRule | undefined => byOperator.get(operatorKey(node));

/** Whether no gradient flows through a node, whatever reads it. */
export const stopsGradient = (node: Node): boolean => STOPS.has(operatorKey(node));
