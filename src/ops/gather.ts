// Lookup of rows in tables (embeddings): no multiplications.

import { intOf } from "../ir/attributes.js";
import { defineOperator } from "./operator.js";

export const gather = defineOperator({
  name: "gather",
  summary: "Rows of a table by index",
  reference: "https://onnx.ai/onnx/operators/onnx__Gather.html",
  operators: ["Gather"],
  weights: (node) => [{ input: 0, role: "table", outputAxis: intOf(node, "axis", 0), reductionAxis: undefined }],
  macs: () => 0,
});

export const embedLayerNormalization = defineOperator({
  name: "embed-layer-normalization",
  summary: "Word, position and segment embeddings, added and normalised",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftembedlayernormalization",
  operators: ["com.microsoft:EmbedLayerNormalization"],
  weights: () => [2, 3, 4].map((input) => ({ input, role: "table", outputAxis: 0, reductionAxis: undefined }) as const),
  macs: () => 0,
});
