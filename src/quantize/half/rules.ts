// What keeps a node of a float16 graph in float32: the block list of ONNX Runtime's converter, operators that pare does
// not convert, and inputs that are float32 by definition.

import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";

/** DEFAULT_OP_BLOCK_LIST of onnxruntime/python/tools/transformers/float16.py, as far as the default domain goes. */
const blockList = new Set([
  "CumSum",
  "Max",
  "Min",
  "NonMaxSuppression",
  "RandomUniformLike",
  "Range",
  "RoiAlign",
  "TopK",
  "Upsample",
]);

/** Quantization, signals, sampling and containers: float32 by definition, or nothing to gain. */
const notConverted = new Set([
  "BlackmanWindow",
  "DFT",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
  "HammingWindow",
  "HannWindow",
  "MelWeightMatrix",
  "Multinomial",
  "OneHot",
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
  if (blockList.has(operatorKey(node))) {
    return `${node.opType} is on the float16 block list of ONNX Runtime's converter`;
  }
  if (notConverted.has(operatorKey(node)) || (node.domain === "" && /Sequence|^QLinear/.test(node.opType))) {
    return `pare does not convert ${node.opType} to float16`;
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
