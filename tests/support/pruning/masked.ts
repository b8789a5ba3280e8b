// The reference for cutting channels: the original model with exactly the removed channels set to zero wherever they are made.
// It knows what operators mean and which positions of which weights went, and nothing of how groups were found.

import { intOf, intsOf, stringOf } from "../../../src/ir/attributes.js";
import type { Graph, Initializer, Model, Node } from "../../../src/ir/model.js";
import { consumers } from "../../../src/ir/traverse.js";
import { weightsOf } from "../../../src/ops/index.js";
import { operatorKey } from "../../../src/ops/operator.js";
import { numbersOf } from "../../../src/passes/constants.js";
import type { CutWeight } from "../../../src/prune/group/group.js";
import { DTYPES } from "../../../src/tensor/dtype.js";
import { pack, unpack } from "../../../src/tensor/packing.js";
import { tensor } from "../../../src/tensor/tensor.js";

/** `original`: the model that the names and positions of `cut` speak of. */
export async function maskedModel(original: Model, cut: readonly CutWeight[]): Promise<Model> {
  const { graph } = original;
  const users = consumers(graph);
  const initializers = new Map(graph.initializers);
  for (const { weight, axis, removed } of cut) {
    const made = maker(graph, users, weight, axis);
    if (made === undefined) continue;
    const before = initializers.get(weight)!;
    initializers.set(weight, await zeroed(before, axis, removed, await zeroPoint(graph, made)));
  }
  return { ...original, graph: { ...graph, initializers } };
}

/** A node that makes channels of a constant's axis, at the end of the views it is read through. */
interface Maker {
  readonly node: Node;
  /** Initializer of the zero points of the codes, where the weight holds codes; and their axis. */
  readonly zero: { readonly name: string; readonly axis: number } | undefined;
}

function maker(
  graph: Graph,
  users: ReadonlyMap<string, readonly Node[]>,
  value: string,
  axis: number,
  dims = graph.initializers.get(value)!.dims,
): Maker | undefined {
  for (const node of users.get(value) ?? []) {
    for (const [input, name] of node.inputs.entries()) {
      if (name !== value) continue;
      const seen = input === 0 ? view(graph, node, axis, dims) : undefined;
      if (seen !== undefined) {
        const found = maker(graph, users, node.outputs[0]!, seen.axis, seen.dims);
        const zero = node.opType === "DequantizeLinear" && node.inputs[2] ? at(node, node.inputs[2], dims) : undefined;
        if (found !== undefined) return { node: found.node, zero: zero ?? found.zero };
      } else if (makes(node, input, axis, dims.length)) {
        const point = zeroPointInputs[operatorKey(node)]?.[input];
        const codes = point !== undefined && node.inputs[point] ? node.inputs[point] : undefined;
        return { node, zero: codes === undefined ? undefined : { name: codes, axis: outputAxis(node, input, dims) } };
      }
    }
  }
  return undefined;
}

const at = (node: Node, name: string, dims: readonly number[]) => ({
  name,
  axis: (intOf(node, "axis", 1) + dims.length) % Math.max(1, dims.length),
});

const outputAxis = (node: Node, input: number, dims: readonly number[]) =>
  ((weightsOf(node).find((use) => use.input === input)?.outputAxis ?? 0) + dims.length) % dims.length;

/** Inputs that hold the zero points of the codes in other inputs. */
const zeroPointInputs: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  QLinearConv: { 3: 5 },
  QLinearMatMul: { 0: 2, 3: 5 },
  ConvInteger: { 1: 3 },
  MatMulInteger: { 0: 2, 1: 3 },
};

/** Where an axis of a constant stands behind a node that only shows it otherwise; undefined for all other nodes. */
function view(
  graph: Graph,
  node: Node,
  axis: number,
  dims: readonly number[],
): { axis: number; dims: readonly number[] } | undefined {
  switch (operatorKey(node)) {
    case "DequantizeLinear":
    case "com.microsoft:DequantizeLinear":
    case "Cast":
    case "Identity":
      return { axis, dims };
    case "Transpose": {
      const perm = intsOf(node, "perm") ?? dims.map((_, i) => dims.length - 1 - i);
      return { axis: perm.indexOf(axis), dims: perm.map((i) => dims[i]!) };
    }
    case "Squeeze": {
      const axes = constantInts(graph, node, 1, "axes").map((one) => (one + dims.length) % dims.length);
      const left = dims.map((_, i) => i).filter((i) => !axes.includes(i));
      return { axis: left.indexOf(axis), dims: left.map((i) => dims[i]!) };
    }
    case "Reshape": {
      const stated = constantInts(graph, node, 1, "shape").map((dim, i) => (dim === 0 ? dims[i]! : dim));
      const known = stated.reduce((all, dim) => all * Math.max(dim, 1), 1);
      const after = stated.map((dim) => (dim < 0 ? product(dims) / known : dim));
      // The axis that has as many elements behind it, and the same length.
      const found = after.findIndex(
        (dim, i) => dim === dims[axis] && product(after.slice(i + 1)) === product(dims.slice(axis + 1)),
      );
      return found < 0 ? undefined : { axis: found, dims: after };
    }
    case "Unsqueeze": {
      const axes = constantInts(graph, node, 1, "axes");
      const rank = dims.length + axes.length;
      const added = new Set(axes.map((one) => (one + rank) % rank));
      const from: number[] = [];
      for (let i = 0, next = 0; i < rank; i++) from.push(added.has(i) ? -1 : next++);
      return { axis: from.indexOf(axis), dims: from.map((i) => (i < 0 ? 1 : dims[i]!)) };
    }
    default:
      return undefined;
  }
}

const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);

function constantInts(graph: Graph, node: Node, input: number, name: string): readonly number[] {
  const stated = intsOf(node, name);
  if (stated !== undefined) return stated;
  const held = graph.initializers.get(node.inputs[input] ?? "");
  const bytes = held?.sparse ? undefined : held?.data.bytes;
  if (bytes === undefined) throw new Error(`${node.opType} in a masked model has no constant ${name}`);
  return Array.from(new BigInt64Array(bytes.slice().buffer), Number);
}

/** Whether zeros along this axis of this constant input are zeros of what the node gives, its own channels masked. */
function makes(node: Node, input: number, axis: number, rank: number): boolean {
  const key = operatorKey(node);
  const shifts = vectors[key];
  if (shifts !== undefined) return shifts.includes(input);
  if (key === "Gather") return input === 0 && axis !== (intOf(node, "axis", 0) + rank) % rank;
  if (key === "Einsum") return einsum(node, input, axis);
  if (key === "QLinearConv") return (input === 3 && axis === 0) || input === 8;
  if (key === "QLinearMatMul") return (input === 0 && axis !== rank - 1) || (input === 3 && axis !== rank - 2);
  if (key === "com.microsoft:MultiHeadAttention") return input === 3;
  if (key === "com.microsoft:EmbedLayerNormalization") return axis === rank - 1;
  // States that a recurrent layer starts from, and its peepholes.
  if (key === "LSTM" || key === "GRU" || key === "RNN") if (input >= 5) return axis === rank - 1;
  const use = weightsOf(node).find((one) => one.input === input);
  if (use === undefined) return false;
  // A transposed convolution in groups makes the channels of a group from the rows of that group alone.
  if (key === "ConvTranspose" && intOf(node, "group", 1) > 1) return axis < 2;
  if (use.role === "table") return false;
  if (use.reductionAxis === undefined) return true;
  // Kernel sizes are never cut; leading axes of a batch of matrices make the leading axes of the result.
  return axis !== (use.reductionAxis + rank) % rank;
}

/** Inputs whose elements are added to channels, or multiplied with them. Not variances, divisors, slopes and exponents. */
const vectors: Readonly<Record<string, readonly number[]>> = {
  Add: [0, 1],
  Sub: [0, 1],
  Mul: [0, 1],
  Div: [0],
  Pow: [0],
  Max: [0, 1, 2, 3],
  Min: [0, 1, 2, 3],
  Sum: [0, 1, 2, 3],
  Where: [1, 2],
  Concat: [0, 1, 2, 3, 4, 5, 6, 7],
  Expand: [0],
  Tile: [0],
  Pad: [0],
  Slice: [0],
  BatchNormalization: [1, 2, 3],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  LayerNormalization: [1, 2],
  RMSNormalization: [1],
  SimplifiedLayerNormalization: [1],
  "com.microsoft:SimplifiedLayerNormalization": [1],
  "com.microsoft:SkipLayerNormalization": [2, 3, 4],
  "com.microsoft:SkipSimplifiedLayerNormalization": [2, 3],
  "com.microsoft:GroupNorm": [1, 2],
  "com.microsoft:BiasGelu": [1],
  "com.microsoft:FastGelu": [1],
};

function einsum(node: Node, input: number, axis: number): boolean {
  const [left = "", right = ""] = stringOf(node, "equation", "").replaceAll(" ", "").split("->");
  return right.includes(left.split(",")[input]?.[axis] ?? " ");
}

async function zeroPoint(graph: Graph, { zero }: Maker) {
  if (zero === undefined) return undefined;
  const held = graph.initializers.get(zero.name)!;
  const values = await numbersOf(held);
  if (values === undefined) throw new Error(`the zero points ${zero.name} cannot be read`);
  return { values, axis: zero.axis };
}

/** A copy with the elements at these positions of an axis at zero, or at their zero point. */
async function zeroed(
  weight: Initializer,
  axis: number,
  positions: readonly number[],
  zero: { readonly values: Float64Array; readonly axis: number } | undefined,
): Promise<Initializer> {
  if (weight.sparse) throw new Error("a sparse weight was cut");
  const { dims, dtype } = weight;
  const stride = product(dims.slice(axis + 1));
  const count = product(dims);
  const gone = new Set(positions);
  const { bits } = DTYPES[dtype];
  const whole = (await weight.data.read()).slice();
  const elements = bits < 8 ? unpack(whole, bits as 2 | 4, count) : whole;
  const width = Math.max(1, bits / 8);
  const across = zero && zero.values.length > 1 ? product(dims.slice(zero.axis + 1)) : 0;
  for (let i = 0; i < count; i++) {
    if (!gone.has(Math.floor(i / stride) % dims[axis]!)) continue;
    elements.fill(0, i * width, (i + 1) * width);
    // Zero points that are not 0 belong to codes of at most 8 bits.
    if (zero) elements[i] = zero.values[across === 0 ? 0 : Math.floor(i / across) % dims[zero.axis]!]! & 0xff;
  }
  return { ...weight, ...tensor(dtype, dims, bits < 8 ? pack(elements, bits as 2 | 4) : elements) };
}
