// What each layer of a graph has to do whatever computes it: products, weights read, activations read and written.

import { intOf } from "../ir/attributes.js";
import { type Graph, label, type Model, type Node } from "../ir/model.js";
import { subgraphs } from "../ir/traverse.js";
import { costOf, type Shapes, weightsOf } from "../ops/index.js";
import { product } from "../ops/operator.js";

export interface LayerWork {
  /** The node's label. */
  readonly name: string;
  readonly op: string;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
  /** Elements of weights and other constants, read once a run. */
  readonly weights: number;
  /** Elements of activations, read and written. */
  readonly activations: number;
}

export interface GraphWork {
  /** The nodes that multiply, in graph order. */
  readonly layers: readonly LayerWork[];
  /** Elements that the other nodes would read and write if each of them ran alone; a runtime fuses most of them. */
  readonly others: number;
  /** Nodes of the graph that multiply, but of which shapes are missing. */
  readonly uncounted: number;
  /** Nodes that multiply in bodies (If, Loop, Scan) and functions, which are not looked into. */
  readonly inBodies: number;
}

/**
 * `shapes` gives dimensions by value name: observed ones, or those that the file states. Nodes whose inputs are all
 * constant are folded when a model is loaded: they cost nothing, and what they give is a weight.
 */
export function graphWork({ graph, functions }: Pick<Model, "graph" | "functions">, shapes: Shapes): GraphWork {
  const constant = constantValues(graph);
  const layers: LayerWork[] = [];
  let others = 0;
  let uncounted = 0;
  let inBodies = 0;
  for (const node of graph.nodes) {
    for (const body of subgraphs(node)) inBodies += multiplying(body);
    if (isFolded(node, constant)) continue;
    const macs = costOf(node, shapes);
    const elements = elementsOf(node, shapes, constant);
    if (macs === undefined ? multiplies(node) : macs > 0 && elements === undefined) uncounted++;
    else if (macs !== undefined && macs > 0 && elements !== undefined) {
      const { weights, activations } = elements;
      layers.push({ name: label(node), op: node.opType, macs, weights, activations });
    } else if (elements !== undefined && !MOVES_NOTHING.has(node.opType)) {
      others += isLookup(node) ? 2 * elements.given : elements.weights + elements.activations;
    }
  }
  return {
    layers,
    others,
    uncounted,
    inBodies: inBodies + functions.reduce((sum, each) => sum + multiplying(each), 0),
  };
}

/** They give the same bytes under another shape, or none to speak of. */
const MOVES_NOTHING = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout", "Shape", "Size"]);

/** Random values are new at every run, and a node with a body may depend on what the body takes from outside. */
const isFolded = (node: Node, constant: ReadonlySet<string>): boolean =>
  !/^(Random|Bernoulli|Multinomial)/.test(node.opType) &&
  subgraphs(node).length === 0 &&
  node.inputs.every((name) => name === "" || constant.has(name));

function constantValues(graph: Graph): ReadonlySet<string> {
  const constant = new Set(graph.initializers.keys());
  for (const node of graph.nodes) {
    if (isFolded(node, constant)) for (const name of node.outputs) constant.add(name);
  }
  return constant;
}

const multiplies = (node: Node): boolean =>
  weightsOf(node).some(({ role }) => role === "matrix" || role === "recurrent");

function multiplying({ nodes }: Pick<Graph, "nodes">): number {
  let count = 0;
  for (const node of nodes) {
    if (multiplies(node)) count++;
    for (const body of subgraphs(node)) count += multiplying(body);
  }
  return count;
}

/** Of a table only the rows that are looked up are read. */
const isLookup = (node: Node): boolean =>
  node.opType === "GatherBlockQuantized" || weightsOf(node).some(({ role }) => role === "table");

interface Elements {
  readonly weights: number;
  readonly activations: number;
  /** Of the outputs alone. */
  readonly given: number;
}

/** Undefined when an input or the first output has no known shape. */
function elementsOf(node: Node, shapes: Shapes, constant: ReadonlySet<string>): Elements | undefined {
  let weights = packedWeights(node);
  const packed = weights > 0;
  let activations = 0;
  let given = 0;
  // A value that is taken twice is read once.
  for (const name of new Set(node.inputs)) {
    if (name === "" || (packed && constant.has(name))) continue;
    const dims = shapes.get(name)?.dims;
    if (dims === undefined) return undefined;
    if (constant.has(name)) weights += product(dims);
    else activations += product(dims);
  }
  for (const [at, name] of node.outputs.entries()) {
    const dims = name === "" ? undefined : shapes.get(name)?.dims;
    if (dims !== undefined) given += product(dims);
    else if (at === 0) return undefined;
  }
  return { weights, activations: activations + given, given };
}

/** The codes that MatMulNBits and MatMulBnb4 hold packed, counted one by one. */
const packedWeights = (node: Node): number =>
  node.opType === "MatMulNBits" || node.opType === "MatMulBnb4" ? intOf(node, "K", 0) * intOf(node, "N", 0) : 0;

/** Whether half of the weights or more, by elements, are float16 or bfloat16. What is smaller still is widened to float32. */
export function storedAs({ initializers }: Graph): "float32" | "float16" | "bfloat16" {
  const elements = { float16: 0, bfloat16: 0, other: 0 };
  for (const { dtype, dims } of initializers.values()) {
    elements[dtype === "float16" || dtype === "bfloat16" ? dtype : "other"] += product(dims);
  }
  const { float16, bfloat16, other } = elements;
  if (float16 > 0 && float16 >= other && float16 >= bfloat16) return "float16";
  return bfloat16 > 0 && bfloat16 >= other ? "bfloat16" : "float32";
}
