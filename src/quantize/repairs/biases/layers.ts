// The layers of a quantized model whose bias can take a correction, and the value of the float model that each should give.

import { type Graph, label, type Model, type Node } from "../../../ir/model.js";
import { consumers, definitions, producers, topological, uses } from "../../../ir/traverse.js";

export interface BiasedLayer {
  /** The node of the quantized model that adds the bias: the layer, or the Add after it. */
  readonly node: Node;
  /** Which input of it is the bias; it may be missing from the node (Conv without bias). */
  readonly input: number;
  /** The layer itself: where it has its bias in an Add, the product before. */
  readonly product: Node;
  /** What the node gives, not yet quantized. */
  readonly output: string;
  /** What the float model calls it. */
  readonly value: string;
  /** Axis of its channels: 1, or -1 for the last. */
  readonly axis: 1 | -1;
  /** How many layers come before it at most: those of one depth do not wait for each other. */
  readonly depth: number;
}

export interface Found {
  /** In the order of execution. */
  readonly layers: readonly BiasedLayer[];
  /** Quantized layers without a place for a bias. */
  readonly without: readonly string[];
}

/** Conv and its kin have their bias at input 2. */
const BIASED: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm"]);
const PRODUCTS: ReadonlySet<string> = new Set(["MatMul", "MatMulNBits", "MatMulBnb4"]);

/** Both models keep value names (see the static scheme). Layers whose weight and input are float are left out. */
export function biasedLayers(model: Model, original: Model): Found {
  const { graph } = model;
  const known = definitions(original.graph);
  const makers = producers(graph);
  const users = consumers(graph);
  const layers: BiasedLayer[] = [];
  const without: string[] = [];
  const depths = new Map<string, number>();
  for (const node of topological(graph)) {
    const depth = Math.max(0, ...[...uses(node)].map((name) => depths.get(name) ?? 0));
    const found = layerAt(node, graph, makers);
    const output = node.outputs[0] ?? "";
    const value = found && floatName(output, known, users);
    const counts = found !== undefined && value !== undefined && isQuantized(found.product, graph, makers);
    if (counts) layers.push({ ...found, node, output, value, depth });
    for (const name of node.outputs) depths.set(name, counts ? depth + 1 : depth);
    if (PRODUCTS.has(node.opType) && isQuantized(node, graph, makers) && !hasAdd(node, graph, makers, users)) {
      without.push(label(node));
    }
  }
  return { layers, without };
}

function layerAt(node: Node, graph: Graph, makers: ReadonlyMap<string, Node>) {
  if (node.domain === "" && BIASED.has(node.opType)) {
    return { input: 2, product: node, axis: node.opType === "Gemm" ? (-1 as const) : (1 as const) };
  }
  if (node.domain !== "" || node.opType !== "Add") return undefined;
  const input = node.inputs.findIndex((name) => isConstant(name, graph, makers));
  if (input < 0) return undefined;
  const product = unquantized(makers.get(node.inputs[1 - input]!), makers);
  return product && PRODUCTS.has(product.opType) ? { input, product, axis: -1 as const } : undefined;
}

function hasAdd(
  node: Node,
  graph: Graph,
  makers: ReadonlyMap<string, Node>,
  users: ReadonlyMap<string, readonly Node[]>,
): boolean {
  let [output = ""] = node.outputs;
  for (;;) {
    const next = users.get(output) ?? [];
    if (next.length !== 1) return false;
    const [user] = next as [Node];
    if (user.opType === "Add") return layerAt(user, graph, makers) !== undefined;
    if (user.opType !== "QuantizeLinear" && user.opType !== "DequantizeLinear") return false;
    output = user.outputs[0]!;
  }
}

/** The node before a pair of QuantizeLinear and DequantizeLinear. */
function unquantized(node: Node | undefined, makers: ReadonlyMap<string, Node>): Node | undefined {
  if (node?.opType !== "DequantizeLinear") return node;
  const quantize = makers.get(node.inputs[0]!);
  return quantize?.opType === "QuantizeLinear" ? makers.get(quantize.inputs[0]!) : node;
}

/** The name that the float model knows: its own, or that of the value once it is quantized and back. */
function floatName(
  output: string,
  known: ReadonlySet<string>,
  users: ReadonlyMap<string, readonly Node[]>,
): string | undefined {
  if (known.has(output)) return output;
  for (const quantize of users.get(output) ?? []) {
    if (quantize.opType !== "QuantizeLinear") continue;
    for (const back of users.get(quantize.outputs[0]!) ?? []) {
      if (back.opType === "DequantizeLinear" && known.has(back.outputs[0]!)) return back.outputs[0];
    }
  }
  return undefined;
}

/** Its weight is computed from codes, or what it takes was rounded. */
function isQuantized(node: Node, graph: Graph, makers: ReadonlyMap<string, Node>): boolean {
  const [input = "", weight = ""] = node.inputs;
  return node.domain !== "" || !graph.initializers.has(weight) || makers.get(input)?.opType === "DequantizeLinear";
}

/** An initializer, or codes of one. */
export function isConstant(name: string, { initializers }: Graph, makers: ReadonlyMap<string, Node>): boolean {
  if (initializers.has(name)) return true;
  const maker = makers.get(name);
  return maker?.opType === "DequantizeLinear" && initializers.has(maker.inputs[0]!);
}
