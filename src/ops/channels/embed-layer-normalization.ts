// Embeddings, added and normalised in one node: the mean is over their columns.

import { keepAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const embedLayerNormalization = defineChannelRule({
  name: "embed-layer-normalization",
  summary: "EmbedLayerNormalization: nothing passes",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftembedlayernormalization",
  operators: ["com.microsoft:EmbedLayerNormalization"],
  flow: (flow) => keepAll(flow, `${flow.node.opType} takes its mean over it`),
});
