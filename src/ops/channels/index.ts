// The visible list of what is known of channels: how they pass through each operator.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../operator.js";
import { attention } from "./attention.js";
import { batchNormalization } from "./batch-normalization.js";
import { binary } from "./binary.js";
import { concat } from "./concat.js";
import { constantOfShape } from "./constant-of-shape.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { cumSum } from "./cum-sum.js";
import { depthToSpace } from "./depth-to-space.js";
import { dynamicQuantizeLinear } from "./dynamic-quantize-linear.js";
import { einsum } from "./einsum.js";
import { embedLayerNormalization } from "./embed-layer-normalization.js";
import { expand } from "./expand.js";
import { flatten } from "./flatten.js";
import { gather } from "./gather.js";
import { gatherElements } from "./gather-elements.js";
import { gatherNd } from "./gather-nd.js";
import { gemm } from "./gemm.js";
import { groupNormalization } from "./group-normalization.js";
import { instanceNormalization } from "./instance-normalization.js";
import { layerNormalization } from "./layer-normalization.js";
import { localResponseNormalization } from "./local-response-normalization.js";
import { lpNormalization } from "./lp-normalization.js";
import { matmul } from "./matmul.js";
import { matmulNBits } from "./matmul-n-bits.js";
import { meanVarianceNormalization } from "./mean-variance-normalization.js";
import { packedAttention } from "./packed-attention.js";
import { pad } from "./pad.js";
import { pool } from "./pool.js";
import { positionNumbers } from "./position-numbers.js";
import { quantizeLinear } from "./quantize-linear.js";
import { quantizedConv } from "./quantized-conv.js";
import { quantizedElementwise } from "./quantized-elementwise.js";
import { quantizedMatMul } from "./quantized-matmul.js";
import { recurrent } from "./recurrent.js";
import { reduceMax } from "./reduce-max.js";
import { reduceMean } from "./reduce-mean.js";
import { reduceSum } from "./reduce-sum.js";
import { reshape } from "./reshape.js";
import { resize } from "./resize.js";
import { reverseSequence } from "./reverse-sequence.js";
import { rmsNormalization } from "./rms-normalization.js";
import { rotaryEmbedding } from "./rotary-embedding.js";
import type { ChannelRule } from "./rule.js";
import { sample } from "./sample.js";
import { scatterElements } from "./scatter-elements.js";
import { scatterNd } from "./scatter-nd.js";
import { shape } from "./shape.js";
import { slice } from "./slice.js";
import { softmax } from "./softmax.js";
import { split } from "./split.js";
import { tile } from "./tile.js";
import { topK } from "./top-k.js";
import { transpose } from "./transpose.js";
import { trilu } from "./trilu.js";
import { unary } from "./unary.js";

export const channelRules = registry<ChannelRule>("channel rule", [
  attention,
  batchNormalization,
  binary,
  concat,
  constantOfShape,
  conv,
  convTranspose,
  cumSum,
  depthToSpace,
  dynamicQuantizeLinear,
  einsum,
  embedLayerNormalization,
  expand,
  flatten,
  gather,
  gatherElements,
  gatherNd,
  gemm,
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  localResponseNormalization,
  lpNormalization,
  matmul,
  matmulNBits,
  meanVarianceNormalization,
  packedAttention,
  pad,
  pool,
  positionNumbers,
  quantizedConv,
  quantizedElementwise,
  quantizedMatMul,
  quantizeLinear,
  recurrent,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  resize,
  reverseSequence,
  rmsNormalization,
  rotaryEmbedding,
  sample,
  scatterElements,
  scatterNd,
  shape,
  slice,
  softmax,
  split,
  tile,
  topK,
  transpose,
  trilu,
  unary,
]);

const byKey = new Map(channelRules.list.flatMap((rule) => rule.operators.map((key) => [key, rule] as const)));

/** Undefined: nothing is known, and all channels of the node stay. */
export const channelRuleOf = (node: Node): ChannelRule | undefined => byKey.get(operatorKey(node));
