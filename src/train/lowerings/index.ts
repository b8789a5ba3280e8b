// The lowerings, one operator or family a file.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";
import { attention } from "./attention.js";
import { embedLayerNormalization } from "./embed-layer-normalization.js";
import { fusedConv } from "./fused-conv.js";
import { fusedGemm } from "./fused-gemm.js";
import { groupQueryAttention } from "./group-query-attention.js";
import { gru } from "./gru.js";
import type { Lowering } from "./lowering.js";
import { lstm } from "./lstm.js";
import { multiHeadAttention } from "./multi-head-attention.js";
import { packedAttention } from "./packed-attention.js";
import { rnn } from "./rnn.js";
import { rotaryEmbedding } from "./rotary-embedding.js";

export const lowerings = registry<Lowering>("lowering", [
  // recurrent
  lstm,
  gru,
  rnn,
  // attention
  attention,
  packedAttention,
  multiHeadAttention,
  groupQueryAttention,
  rotaryEmbedding,
  embedLayerNormalization,
  // fused activations
  fusedConv,
  fusedGemm,
]);

const byOperator = new Map<string, Lowering>();
for (const lowering of lowerings.list) for (const operator of lowering.operators) byOperator.set(operator, lowering);

export const loweringOf = (node: Node): Lowering | undefined => byOperator.get(operatorKey(node));
