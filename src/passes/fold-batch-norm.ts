// Folds BatchNormalization at inference into the Conv, ConvTranspose, Gemm or MatMul before it:
//   s = scale / sqrt(variance + epsilon);  W' = s W;  b' = s (b - mean) + bias
// The vectors are read now (they are small), the weight when it is pulled.

import { info, type Note } from "../base/note.js";
import { float, floatOf, intOf } from "../ir/attributes.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphs } from "../ir/map.js";
import { type Attribute, type Graph, type Initializer, label, type Node } from "../ir/model.js";
import type { Scope } from "../ir/traverse.js";
import { toFloat16 } from "../tensor/float16.js";
import { float32, type Tensor, tensor } from "../tensor/tensor.js";
import { numbersOf } from "./constants.js";
import { definePass } from "./pass.js";
import { isScalable, type Rows, scaledWeight } from "./scaled-weight.js";
import { valueFacts } from "./value-facts.js";

export const foldBatchNorm = definePass({
  name: "fold-batch-norm",
  summary: "BatchNormalization is folded into the Conv, ConvTranspose, Gemm or MatMul before it.",
  reference: "Jacob et al., Quantization and Training of Neural Networks (2018), section 3.2",
  rewrite: (model, _context, notes) =>
    mapGraphs(model, (graph, outer) => rewriteGraph(graph, outer, model.opsets.get("") ?? 0, notes)),
});

async function rewriteGraph(graph: Graph, outer: Scope, opset: number, notes: Note[]): Promise<Graph> {
  if (!graph.nodes.some((node) => node.opType === "BatchNormalization")) return graph;
  const editor = new GraphEditor(graph, outer);
  const facts = valueFacts(graph, outer);
  const rank = (name: string) => facts(name).rank;
  for (const original of graph.nodes) {
    const node = editor.current(original);
    if (node?.opType !== "BatchNormalization" || node.domain !== "") continue;
    const why = await fold(editor, node, opset, rank);
    if (why === undefined) notes.push(info("batch-norm-folded", "Folded into the layer before it.", label(node)));
    else notes.push(info("batch-norm-kept", `Kept as a node of its own: ${why}.`, label(node)));
  }
  return editor.done();
}

/** Undefined when it was folded, else the reason why not. */
async function fold(
  editor: GraphEditor,
  norm: Node,
  opset: number,
  rank: (name: string) => number | undefined,
): Promise<string | undefined> {
  if (!isInference(norm, opset)) return "it is in training mode";
  const layer = findLayer(editor, norm, rank);
  if (typeof layer === "string") return layer;
  const vectors: Float64Array[] = [];
  for (const name of norm.inputs.slice(1, 5)) {
    const vector = await numbersOf(editor.constant(name));
    if (!vector) return "its parameters are not constants";
    vectors.push(vector);
  }
  const [scale, shift, mean, variance] = vectors as [Float64Array, Float64Array, Float64Array, Float64Array];
  const weight = editor.constant(layer.product.inputs[1] ?? "");
  if (!weight || weight.sparse) return `the weight of ${label(layer.product)} is not a dense constant`;
  if (!isScalable(weight.dtype)) return `the weight of ${label(layer.product)} is stored as ${weight.dtype}`;
  const channels = scale.length;
  if (layer.channels(weight) !== channels) return "its channels are not those of the layer before it";
  const bias = await biasOf(editor, layer, channels);
  if (typeof bias === "string") return bias;

  const epsilon = floatOf(norm, "epsilon", 1e-5);
  const factor = scale.map((gain, c) => gain / Math.sqrt(variance[c]! + epsilon));
  if (!factor.every(Number.isFinite)) return "a variance is negative, or zero without epsilon";
  const folded = bias.map((value, c) => (value - mean[c]!) * factor[c]! + shift[c]!);
  const name = setWeight(editor, layer, scaledWeight(weight, layer.rows(weight, factor)));
  rewire(editor, norm, layer, name, vectorOf(weight.dtype, folded));
  return undefined;
}

function isInference(norm: Node, opset: number): boolean {
  if (norm.outputs.slice(1).some((name) => name !== "")) return false;
  if (opset >= 14) return intOf(norm, "training_mode", 0) === 0;
  if (opset >= 9) return true;
  if (intOf(norm, "spatial", 1) !== 1) return false;
  return opset >= 7 || intOf(norm, "is_test", 0) === 1;
}

/** The layer that a normalization follows, and how its weight is laid out. */
interface Layer {
  /** Conv, ConvTranspose, Gemm, MatMul. */
  readonly product: Node;
  /** The Add after a MatMul, and which of its inputs is the bias. */
  readonly add: { readonly node: Node; readonly bias: string } | undefined;
  channels(weight: Initializer): number;
  rows(weight: Initializer, factor: Float64Array): Rows;
}

function findLayer(editor: GraphEditor, norm: Node, rank: (name: string) => number | undefined): Layer | string {
  const before = norm.inputs[0] ?? "";
  const producer = editor.producer(before);
  if (producer === undefined || producer.domain !== "") return "no layer stands before it";
  const only = (name: string) => editor.consumers(name).length === 1 && !editor.isOutput(name);
  if (!only(before)) return `the result of ${label(producer)} is used elsewhere too`;
  if (producer.opType === "Add") {
    const products = producer.inputs.map((name) => editor.producer(name));
    const i = products.findIndex((node) => node?.opType === "MatMul" && node.domain === "");
    const product = products[i];
    if (!product) return "no layer stands before it";
    if (!only(producer.inputs[i]!)) return `the result of ${label(product)} is used elsewhere too`;
    // Channels are the second axis here and the last one of a MatMul: the same only for matrices.
    if (rank(product.inputs[0]!) !== 2) return `the input of ${label(product)} is not known to be a matrix`;
    return { product, add: { node: producer, bias: producer.inputs[1 - i]! }, ...MATMUL };
  }
  const form = FORMS[producer.opType];
  if (!form) return `${producer.opType} before it is not a layer that takes it in`;
  if (producer.opType === "MatMul" && rank(producer.inputs[0]!) !== 2) {
    return `the input of ${label(producer)} is not known to be a matrix`;
  }
  return { product: producer, add: undefined, ...form(producer) };
}

type Layout = Pick<Layer, "channels" | "rows">;

const inner = (weight: Initializer, from: number) => weight.dims.slice(from).reduce((a, b) => a * b, 1);

/** [channels, ...]: one row of weights for each channel. */
const LEADING: Layout = {
  channels: (weight) => weight.dims[0] ?? 0,
  rows: (weight, factor) => ({ length: inner(weight, 1), factor: (row) => factor[row]! }),
};

/** [from, channels]: elements in turn. */
const MATMUL: Layout = {
  channels: (weight) => (weight.dims.length === 2 ? weight.dims[1]! : 0),
  rows: (_weight, factor) => ({ length: 1, factor: (row) => factor[row % factor.length]! }),
};

const FORMS: Readonly<Record<string, (node: Node) => Layout>> = {
  Conv: () => LEADING,
  Gemm: (node) => (intOf(node, "transB", 0) === 1 ? LEADING : MATMUL),
  MatMul: () => MATMUL,
  // [inputs, channels / groups, ...]: input i belongs to group i / (inputs / groups).
  ConvTranspose: (node) => {
    const groups = intOf(node, "group", 1);
    return {
      channels: (weight) => (weight.dims[1] ?? 0) * groups,
      rows: (weight, factor) => {
        const [inputs, perGroup] = [weight.dims[0]!, weight.dims[1]!];
        const group = (row: number) => Math.floor(row / perGroup / (inputs / groups));
        return { length: inner(weight, 2), factor: (row) => factor[group(row) * perGroup + (row % perGroup)]! };
      },
    };
  },
};

/** The layer's own bias for each channel, zeros where it has none; or the reason why it cannot be had. */
async function biasOf(editor: GraphEditor, layer: Layer, channels: number): Promise<Float64Array | string> {
  const name = layer.add ? layer.add.bias : (layer.product.inputs[2] ?? "");
  if (name === "") return new Float64Array(channels);
  const constant = editor.constant(name);
  const values = await numbersOf(constant);
  if (!constant || !values) return `the bias of ${label(layer.product)} is not a constant`;
  // A bias of more axes would move the channels to another axis.
  if (constant.dims.length > 2) return "the bias has more axes than the layer";
  const last = constant.dims.at(-1) ?? 1;
  if (values.length !== last || (last !== channels && last !== 1)) return "the bias is not one number for each channel";
  const beta = layer.product.opType === "Gemm" ? floatOf(layer.product, "beta", 1) : 1;
  return Float64Array.from({ length: channels }, (_, c) => beta * values[last === 1 ? 0 : c]!);
}

/** Replaces the weight where nothing else uses it, else adds a copy. Gives its name. */
function setWeight(editor: GraphEditor, { product }: Layer, weight: Tensor): string {
  const name = product.inputs[1]!;
  const own = editor.initializer(name) !== undefined && !editor.isOutput(name);
  const exclusive =
    own && editor.consumers(name).length === 1 && product.inputs.filter((it) => it === name).length === 1;
  const target = exclusive ? name : editor.unique(`${name}_folded`);
  editor.setInitializer(target, weight);
  return target;
}

function rewire(editor: GraphEditor, norm: Node, layer: Layer, weight: string, bias: Tensor): void {
  const { product, add } = layer;
  const output = norm.outputs[0]!;
  const old = add ? add.bias : (product.inputs[2] ?? "");
  const stem = old !== "" ? `${old}_folded` : `${weight}_bias`;
  const biasName = editor.unique(stem);
  editor.setInitializer(biasName, bias);
  editor.remove(norm);
  if (product.opType === "MatMul") {
    const middle = add ? product.outputs[0]! : editor.unique(`${output}_product`);
    editor.replace(product, [{ ...product, inputs: [product.inputs[0]!, weight], outputs: [middle] }]);
    const sum = { inputs: [middle, biasName], outputs: [output] };
    if (add) editor.replace(add.node, [{ ...add.node, ...sum }]);
    else editor.insertAfter(product, [{ ...norm, opType: "Add", attributes: new Map<string, Attribute>(), ...sum }]);
  } else {
    const attributes = new Map(product.attributes);
    if (attributes.has("beta")) attributes.set("beta", float(1));
    const inputs = [product.inputs[0]!, weight, biasName];
    editor.replace(product, [{ ...product, inputs, outputs: [output], attributes }]);
  }
  if (old !== "" && editor.initializer(old) && !editor.isOutput(old) && editor.consumers(old).length === 0) {
    editor.removeInitializer(old);
  }
}

function vectorOf(dtype: string, values: Float64Array): Tensor {
  if (dtype === "float64") return tensor("float64", [values.length], values);
  if (dtype === "float16") return tensor("float16", [values.length], toFloat16(Float32Array.from(values)));
  return float32([values.length], values);
}
