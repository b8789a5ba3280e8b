// Element types and ranks that follow from the graph itself: from inputs, weights and what operators must give. Stated
// shapes of inner values are hints that may be wrong, so they are not used; what is not proved here is not known.

import { intOf, intsOf } from "../ir/attributes.js";
import type { Graph, Initializer, Node } from "../ir/model.js";
import { type Scope, topScope } from "../ir/traverse.js";
import { type DType, dtypeOfCode } from "../tensor/dtype.js";

export interface ValueFact {
  readonly dtype: DType | undefined;
  readonly rank: number | undefined;
}

const UNKNOWN: ValueFact = { dtype: undefined, rank: undefined };

/** Facts of every value of one graph. Values captured from around are known when they are constants. */
export function valueFacts(graph: Graph, outer: Scope = topScope): (name: string) => ValueFact {
  const facts = new Map<string, ValueFact>();
  for (const { name, type } of graph.inputs) {
    if (type?.kind === "tensor") facts.set(name, { dtype: type.dtype, rank: type.shape?.length });
  }
  const constant = (name: string): Initializer | undefined => graph.initializers.get(name) ?? outer.constant(name);
  const fact = (name: string): ValueFact => {
    const known = facts.get(name);
    if (known) return known;
    const weight = constant(name);
    return weight ? { dtype: weight.dtype, rank: weight.dims.length } : UNKNOWN;
  };
  for (const node of graph.nodes) {
    const outputs = isPlain(node) ? infer(node, fact, constant) : [];
    for (const [i, name] of node.outputs.entries()) if (name !== "") facts.set(name, outputs[i] ?? UNKNOWN);
  }
  return fact;
}

/** A standard operator whose attributes are all given: inside a function they may stand for those of the call. */
export function isPlain(node: Node): boolean {
  if (node.domain !== "") return false;
  for (const attribute of node.attributes.values()) if (attribute.type === "reference") return false;
  return true;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** First output: type and rank of the first input. */
const LIKE_FIRST =
  words(`Abs Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu Clip Cos Cosh CumSum
  Dropout Elu Erf Exp Floor Gelu GlobalAveragePool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Hardmax Identity
  InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LpPool MaxPool
  MeanVarianceNormalization Mish Neg PRelu Pad RMSNormalization Reciprocal Relu Resize ReverseSequence RotaryEmbedding Round
  ScatterElements ScatterND Scatter Selu Shrink Sigmoid Sign Sin Sinh Slice Softmax Softplus Softsign Sqrt Swish Tan Tanh
  ThresholdedRelu Tile Trilu Upsample DepthToSpace SpaceToDepth`);
/** Broadcasting operators: type of the first input, the larger rank. */
const BROADCAST = words("Add Sub Mul Div Pow Mod Min Max Sum Mean BitwiseAnd BitwiseOr BitwiseXor BitShift");
const BROADCAST_BOOL = words("Equal Greater Less GreaterOrEqual LessOrEqual And Or Xor");
/** Type of the first input, rank by the operator or unknown. */
const SAME_TYPE = words(`Transpose Reshape Flatten Squeeze Unsqueeze Concat Gather GatherElements GatherND Split Expand
  MatMul Gemm Conv ConvTranspose Compress LSTM GRU RNN Einsum`);

function infer(
  node: Node,
  fact: (name: string) => ValueFact,
  constant: (name: string) => Initializer | undefined,
): readonly ValueFact[] {
  const inputs = node.inputs.map((name) => (name === "" ? UNKNOWN : fact(name)));
  const first = inputs[0] ?? UNKNOWN;
  const { opType } = node;
  const ranks = inputs.map((input) => input.rank);
  const widest = ranks.includes(undefined) ? undefined : Math.max(...(ranks as number[]));
  if (LIKE_FIRST.has(opType)) return [first];
  if (BROADCAST.has(opType)) return [{ dtype: first.dtype, rank: widest }];
  if (BROADCAST_BOOL.has(opType)) return [{ dtype: "bool", rank: widest }];
  if (opType.startsWith("Reduce")) {
    const kept = intOf(node, "keepdims", 1) === 1;
    const every =
      node.inputs.length < 2 && !node.attributes.has("axes") && intOf(node, "noop_with_empty_axes", 0) === 0;
    return [{ dtype: first.dtype, rank: kept ? first.rank : every ? 0 : undefined }];
  }
  if (SAME_TYPE.has(opType)) {
    const rank = rankOf(node, inputs, constant);
    return node.outputs.map(() => ({ dtype: first.dtype, rank }));
  }
  switch (opType) {
    case "Cast":
      return [{ dtype: castType(node), rank: first.rank }];
    case "CastLike":
      return [{ dtype: inputs[1]?.dtype, rank: first.rank }];
    case "Shape":
      return [{ dtype: "int64", rank: 1 }];
    case "Size":
      return [{ dtype: "int64", rank: 0 }];
    case "NonZero":
      return [{ dtype: "int64", rank: 2 }];
    case "ArgMax":
    case "ArgMin":
      return [{ dtype: "int64", rank: intOf(node, "keepdims", 1) === 1 ? first.rank : undefined }];
    case "TopK":
      return [first, { dtype: "int64", rank: first.rank }];
    case "Not":
    case "IsNaN":
    case "IsInf":
      return [{ dtype: "bool", rank: first.rank }];
    case "Where":
      return [{ dtype: inputs[1]?.dtype, rank: widest }];
    case "Constant": {
      const value = node.attributes.get("value");
      return value?.type === "tensor" ? [{ dtype: value.value.dtype, rank: value.value.dims.length }] : [];
    }
    default:
      return [];
  }
}

function castType(node: Node): DType | undefined {
  const to = node.attributes.get("to");
  return to?.type === "int" ? dtypeOfCode(Number(to.value)) : undefined;
}

function rankOf(
  node: Node,
  inputs: readonly ValueFact[],
  constant: (name: string) => Initializer | undefined,
): number | undefined {
  const first = inputs[0]?.rank;
  const second = inputs[1]?.rank;
  switch (node.opType) {
    case "Transpose":
      return intsOf(node, "perm")?.length ?? first;
    case "Flatten":
    case "Gemm":
      return 2;
    case "Reshape":
      return constant(node.inputs[1] ?? "")?.dims[0];
    case "Conv":
    case "ConvTranspose":
      return second ?? first;
    case "Gather":
      return first !== undefined && second !== undefined ? first - 1 + second : undefined;
    case "GatherElements":
    case "Split":
      return first;
    case "Concat":
      return inputs.find((input) => input.rank !== undefined)?.rank;
    case "Unsqueeze":
    case "Squeeze": {
      const count = intsOf(node, "axes")?.length ?? constant(node.inputs[1] ?? "")?.dims[0];
      if (first === undefined || count === undefined) return undefined;
      return node.opType === "Squeeze" ? first - count : first + count;
    }
    case "MatMul":
      return first !== undefined && second !== undefined && first > 1 && second > 1
        ? Math.max(first, second)
        : undefined;
    default:
      return undefined;
  }
}
