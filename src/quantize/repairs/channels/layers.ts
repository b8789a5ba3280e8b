// Layers whose weights take a scale on their input and output channels: Conv, ConvTranspose, Gemm, MatMul.

import { intOf } from "../../../ir/attributes.js";
import type { Graph, Node } from "../../../ir/model.js";
import { elementCount } from "../../../tensor/dtype.js";
import type { Tensor } from "../../../tensor/tensor.js";

/** How the elements of a weight belong to channels: rows of consecutive elements of one input and one output channel. */
export interface Layout {
  readonly inputs: number;
  readonly outputs: number;
  /** Elements in a row. */
  readonly length: number;
  readonly inputOf: (row: number) => number;
  readonly outputOf: (row: number) => number;
  /** Axis of the channels in the layer's input and output: 1, or -1 for the last. */
  readonly axis: 1 | -1;
  /** Each input channel reaches as many output channels as it has filters of its own, and none of another channel. */
  readonly depthwise: boolean;
}

export interface Layer extends Layout {
  readonly node: Node;
  readonly weight: string;
  readonly tensor: Tensor;
  /** A constant that is added for each output channel. */
  readonly bias: string | undefined;
}

/** What is known of a graph while its layers are looked for. */
export interface Surroundings {
  readonly graph: Graph;
  readonly consumers: ReadonlyMap<string, readonly Node[]>;
  readonly outputs: ReadonlySet<string>;
  readonly inputs: ReadonlySet<string>;
}

const LAYERS: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

export const isLayer = ({ opType, domain }: Node): boolean => domain === "" && LAYERS.has(opType);

/** The layer, or why its weight cannot be scaled. */
export function layerOf(node: Node, around: Surroundings): Layer | string {
  const [, weight = "", bias] = node.inputs;
  const tensor = around.graph.initializers.get(weight);
  if (tensor === undefined || around.inputs.has(weight)) return "its weight is not a constant";
  if (tensor.sparse) return "its weight is stored sparse";
  if (tensor.dtype !== "float32" && tensor.dtype !== "float16") return `its weight is ${tensor.dtype}`;
  const users = around.consumers.get(weight) ?? [];
  const times = node.inputs.filter((name) => name === weight).length;
  if (users.length > 1 || times > 1 || around.outputs.has(weight)) return "its weight is used elsewhere too";
  if (bias && !isConstant(bias, around)) return "its bias is not a constant";
  const layout = layoutOf(node, tensor.dims);
  if (typeof layout === "string") return layout;
  return { ...layout, node, weight, tensor, bias: bias || undefined };
}

export const isConstant = (name: string, { graph, inputs }: Surroundings): boolean =>
  graph.initializers.has(name) && !inputs.has(name);

/** How a weight of these dims is laid out for a node; or why that is not known. */
export function layoutOf(node: Node, dims: readonly number[]): Layout | string {
  if (dims.length < 2 || elementCount(dims) === 0) return `its weight has the dimensions [${dims}]`;
  if (node.opType === "Conv") return conv(node, dims);
  if (node.opType === "ConvTranspose") return convTranspose(node, dims);
  if (dims.length !== 2) return "its weight is a stack of matrices";
  if (node.opType === "Gemm") {
    if (intOf(node, "transA", 0) === 1) return "its first input is transposed";
    if (intOf(node, "transB", 0) === 1) return rowMajor(dims[1]!, dims[0]!);
  }
  return columnMajor(dims[0]!, dims[1]!);
}

/** [outputs, inputs]. */
const rowMajor = (inputs: number, outputs: number): Layout => ({
  inputs,
  outputs,
  length: 1,
  inputOf: (row) => row % inputs,
  outputOf: (row) => Math.floor(row / inputs),
  axis: -1,
  depthwise: false,
});

/** [inputs, outputs]. */
const columnMajor = (inputs: number, outputs: number): Layout => ({
  inputs,
  outputs,
  length: 1,
  inputOf: (row) => Math.floor(row / outputs),
  outputOf: (row) => row % outputs,
  axis: -1,
  depthwise: false,
});

/** [outputs, inputs / groups, ...]: output o belongs to group o / (outputs / groups). */
function conv(node: Node, dims: readonly number[]): Layout {
  const groups = intOf(node, "group", 1);
  const [outputs, perGroup] = [dims[0]!, dims[1]!];
  const size = outputs / groups;
  return {
    inputs: perGroup * groups,
    outputs,
    length: elementCount(dims.slice(2)),
    outputOf: (row) => Math.floor(row / perGroup),
    inputOf: (row) => Math.floor(row / perGroup / size) * perGroup + (row % perGroup),
    axis: 1,
    depthwise: perGroup === 1,
  };
}

/** [inputs, outputs / groups, ...]: input i belongs to group i / (inputs / groups). */
function convTranspose(node: Node, dims: readonly number[]): Layout {
  const groups = intOf(node, "group", 1);
  const [inputs, perGroup] = [dims[0]!, dims[1]!];
  const size = inputs / groups;
  return {
    inputs,
    outputs: perGroup * groups,
    length: elementCount(dims.slice(2)),
    inputOf: (row) => Math.floor(row / perGroup),
    outputOf: (row) => Math.floor(row / perGroup / size) * perGroup + (row % perGroup),
    axis: 1,
    depthwise: size === 1,
  };
}
