// What keeps a node of a float16 graph in float32: operators without float16 in their definition or in ONNX Runtime, and
// inputs that are float32 by definition.

import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";

/** ONNX Runtime's own list (transformers/float16.py), and operators that take float32 by definition. */
const blocked = new Set([
  "CumSum",
  "Max",
  "Min",
  "NonMaxSuppression",
  "OneHot",
  "RandomUniformLike",
  "Range",
  "RoiAlign",
  "TopK",
  "Upsample",
  "BlackmanWindow",
  "DFT",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
  "HammingWindow",
  "HannWindow",
  "MelWeightMatrix",
  "Multinomial",
  "Optional",
  "OptionalGetElement",
  "QLinearConv",
  "QLinearMatMul",
  "QuantizeLinear",
  "STFT",
  "TfIdfVectorizer",
  "Unique",
  "com.microsoft:DequantizeLinear",
  "com.microsoft:DynamicQuantizeLSTM",
  "com.microsoft:DynamicQuantizeMatMul",
  "com.microsoft:MatMulBnb4",
  "com.microsoft:MatMulIntegerToFloat",
  "com.microsoft:QAttention",
  "com.microsoft:QuantizeLinear",
]);

/** Why an operator stays in float32, or undefined when it may run in float16. */
export function operatorObstacle(node: Node, opset: number): string | undefined {
  if (node.domain !== "" && node.domain !== "com.microsoft") return "operators of other domains are left as they are";
  if (blocked.has(operatorKey(node)) || (node.domain === "" && /Sequence|^QLinear/.test(node.opType))) {
    return `ONNX Runtime has no ${node.opType} for float16`;
  }
  if (node.opType === "IsInf" && opset < 20) return "IsInf takes float16 from opset 20";
  return undefined;
}

/** Inputs that are float32 whatever the node computes in. */
export function staysFloat32(node: Node, input: number): boolean {
  // Regions and scales of Resize; gamma and beta of GroupNorm.
  if (node.domain === "" && node.opType === "Resize") return input > 0;
  return node.domain === "com.microsoft" && node.opType === "GroupNorm" && (input === 1 || input === 2);
}

/** Outputs that are float32 whatever the node computes in: statistics of norms. */
export const givesFloat32 = (node: Node, output: number): boolean =>
  output > 0 &&
  (node.opType === "LayerNormalization" || (/^Skip(Simplified)?LayerNormalization$/.test(node.opType) && output < 3));

/** Arithmetic on sizes: integers up to 2^24 must stay exact, and it costs nothing. */
export const SIZE_ARITHMETIC = new Set([
  "Abs",
  "Add",
  "Cast",
  "Ceil",
  "Concat",
  "Div",
  "Floor",
  "Gather",
  "Identity",
  "Mod",
  "Mul",
  "Neg",
  "Pow",
  "Reciprocal",
  "ReduceProd",
  "Reshape",
  "Round",
  "Slice",
  "Sqrt",
  "Squeeze",
  "Sub",
  "Unsqueeze",
]);

/** Attributes that name an element type. */
export const TYPE_ATTRIBUTES: Readonly<Record<string, string>> = {
  Cast: "to",
  EyeLike: "dtype",
  RandomNormal: "dtype",
  RandomNormalLike: "dtype",
  RandomUniform: "dtype",
  Bernoulli: "dtype",
};
