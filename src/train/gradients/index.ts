// The gradient rules, one operator or family a file.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";
import { abs } from "./abs.js";
import { add } from "./add.js";
import { averagePool } from "./average-pool.js";
import { batchNorm } from "./batch-norm.js";
import { cast } from "./cast.js";
import { clip } from "./clip.js";
import { concat } from "./concat.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { cumSum } from "./cum-sum.js";
import { depthToSpace } from "./depth-to-space.js";
import { dequantizeLinear } from "./dequantize-linear.js";
import { div } from "./div.js";
import { dropout } from "./dropout.js";
import { einsum } from "./einsum.js";
import { elu } from "./elu.js";
import { expand } from "./expand.js";
import { exponential } from "./exponential.js";
import { gather } from "./gather.js";
import { gatherElements } from "./gather-elements.js";
import { gatherNd } from "./gather-nd.js";
import { gelu } from "./gelu.js";
import { gemm } from "./gemm.js";
import { globalAveragePool } from "./global-average-pool.js";
import { globalMaxPool } from "./global-max-pool.js";
import { groupNorm } from "./group-norm.js";
import { hardSigmoid } from "./hard-sigmoid.js";
import { instanceNorm } from "./instance-norm.js";
import { layerNorm } from "./layer-norm.js";
import { leakyRelu } from "./leaky-relu.js";
import { lpPool } from "./lp-pool.js";
import { lrn } from "./lrn.js";
import { matmul } from "./matmul.js";
import { max } from "./max.js";
import { maxPool } from "./max-pool.js";
import { mul } from "./mul.js";
import { pad } from "./pad.js";
import { pow } from "./pow.js";
import { quantizeLinear } from "./quantize-linear.js";
import { reduceMax } from "./reduce-max.js";
import { reduceNorm } from "./reduce-norm.js";
import { reduceProd } from "./reduce-prod.js";
import { reduceSum } from "./reduce-sum.js";
import { relu } from "./relu.js";
import { reshape } from "./reshape.js";
import { resize } from "./resize.js";
import { reverseSequence } from "./reverse-sequence.js";
import { rmsNorm } from "./rms-norm.js";
import type { GradientRule } from "./rule.js";
import { scatterElements } from "./scatter-elements.js";
import { scatterNd } from "./scatter-nd.js";
import { sigmoid } from "./sigmoid.js";
import { skipLayerNorm } from "./skip-layer-norm.js";
import { skipRmsNorm } from "./skip-rms-norm.js";
import { slice } from "./slice.js";
import { softmax } from "./softmax.js";
import { spaceToDepth } from "./space-to-depth.js";
import { split } from "./split.js";
import { sub } from "./sub.js";
import { sum } from "./sum.js";
import { swish } from "./swish.js";
import { tile } from "./tile.js";
import { topK } from "./top-k.js";
import { transpose } from "./transpose.js";
import { trigonometry } from "./trigonometry.js";
import { where } from "./where.js";

export const gradients = registry("gradient rule", [
  // elementwise and activations
  add,
  sub,
  mul,
  div,
  pow,
  abs,
  exponential,
  trigonometry,
  max,
  sum,
  where,
  clip,
  relu,
  leakyRelu,
  elu,
  gelu,
  swish,
  sigmoid,
  hardSigmoid,
  softmax,
  dropout,
  cast,
  cumSum,
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
  reduceMax,
  reduceNorm,
  reduceProd,
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
