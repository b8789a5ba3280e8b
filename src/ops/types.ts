// Element types of what operators give, from the types of what they take. Shapes come from running; types need no run.

import { intOf } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { DTYPES, type DType, dtypeOfCode } from "../tensor/dtype.js";
import { operatorKey } from "./operator.js";

type Type = DType | undefined;
type Rule = (node: Node, input: (index: number) => Type) => readonly Type[];

/**
 * The types of a node's outputs, in order, undefined where not known: unknown domains, sequences, calls of functions.
 * Operators that hold graphs (If, Loop, Scan) are not answered here.
 */
export function outputTypes(node: Node, typeOf: (name: string) => Type): readonly Type[] {
  const input = (index: number) => {
    const name = node.inputs[index] ?? "";
    return name === "" ? undefined : typeOf(name);
  };
  const key = operatorKey(node);
  const rule = rules.get(key);
  if (rule) {
    const types = rule(node, input);
    // A rule names the first outputs; further ones are like the last.
    return node.outputs.map((_, at) => types[Math.min(at, types.length - 1)]);
  }
  if (node.domain !== "" && node.domain !== "com.microsoft") return node.outputs.map(() => undefined);
  return node.outputs.map(() => input(0));
}

const fixed =
  (...types: Type[]): Rule =>
  () =>
    types;
const likeInput =
  (index: number): Rule =>
  (_, input) => [input(index)];
const likeFirstThen =
  (...rest: Type[]): Rule =>
  (_, input) => [input(0), ...rest];
const stated =
  (name: string, otherwise: DType | number): Rule =>
  (node, input) => {
    const code = intOf(node, name, 0);
    if (code !== 0) return [dtypeOfCode(code)];
    return [typeof otherwise === "number" ? input(otherwise) : otherwise];
  };
const valueAttribute =
  (otherwise: Type): Rule =>
  (node) => {
    const value = node.attributes.get("value");
    if (value?.type === "tensor") return [value.value.dtype];
    if (node.attributes.has("value_int") || node.attributes.has("value_ints")) return ["int64"];
    if (node.attributes.has("value_string") || node.attributes.has("value_strings")) return ["string"];
    const sparse = node.attributes.get("sparse_value");
    return [sparse?.type === "sparse" ? sparse.value.dtype : otherwise];
  };

const bool = fixed("bool");
const index = fixed("int64");
const none = fixed(undefined);

const rules = new Map<string, Rule>([
  ...["Shape", "Size", "ArgMax", "ArgMin", "NonZero", "NonMaxSuppression"].map((name) => [name, index] as const),
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN", "IsInf", "RegexFullMatch"].map(
    (name) => [name, bool] as const,
  ),
  ...["SequenceConstruct", "SequenceEmpty", "SequenceInsert", "SequenceErase", "SequenceAt", "SplitToSequence"].map(
    (name) => [name, none] as const,
  ),
  ...["ConcatFromSequence", "SequenceMap", "Optional", "OptionalGetElement", "If", "Loop", "Scan"].map(
    (name) => [name, none] as const,
  ),
  ...["HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix"].map(
    (name) => [name, stated("output_datatype", "float32")] as const,
  ),
  ...["RandomNormal", "RandomUniform"].map((name) => [name, stated("dtype", "float32")] as const),
  ...["RandomNormalLike", "RandomUniformLike", "EyeLike", "Bernoulli"].map(
    (name) => [name, stated("dtype", 0)] as const,
  ),
  ["SequenceLength", index],
  ["OptionalHasElement", bool],
  ["Multinomial", stated("dtype", "int32")],
  ["Cast", stated("to", 0)],
  ["CastLike", likeInput(1)],
  ["Where", likeInput(1)],
  ["OneHot", likeInput(2)],
  ["Constant", valueAttribute("float32")],
  ["ConstantOfShape", valueAttribute("float32")],
  ["TopK", likeFirstThen("int64")],
  ["MaxPool", likeFirstThen("int64")],
  ["Unique", likeFirstThen("int64")],
  ["Dropout", likeFirstThen("bool")],
  ["LayerNormalization", likeFirstThen("float32")],
  ["DequantizeLinear", stated("output_dtype", 1)],
  ["QuantizeLinear", (node, input) => [input(2) ?? dtypeOfCode(intOf(node, "output_dtype", DTYPES.uint8.code))]],
  ["DynamicQuantizeLinear", fixed("uint8", "float32", "uint8")],
  ["MatMulInteger", fixed("int32")],
  ["ConvInteger", fixed("int32")],
  ["QLinearConv", likeInput(7)],
  ["QLinearMatMul", likeInput(7)],
  ["TfIdfVectorizer", fixed("float32")],
  ["ImageDecoder", fixed("uint8")],
  ["StringNormalizer", fixed("string")],
  ["com.microsoft:SkipLayerNormalization", likeFirstThen("float32", "float32", undefined)],
  ["com.microsoft:SkipSimplifiedLayerNormalization", likeFirstThen("float32", "float32", undefined)],
  ["com.microsoft:GatherBlockQuantized", likeInput(2)],
  ["com.microsoft:EmbedLayerNormalization", likeInput(2)],
  ["com.microsoft:DequantizeLinear", likeInput(1)],
  ["com.microsoft:QuantizeLinear", likeInput(2)],
  ["com.microsoft:MatMulIntegerToFloat", likeInput(2)],
]);
