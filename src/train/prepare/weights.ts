// Which constants are parameters, decided by what reads them:
// - what `ops/` calls a weight: matrices, filters, tables of embeddings, recurrent matrices, and their biases;
// - scale and bias of a normalisation, the slope of a PRelu, the bias inputs of fused operators;
// - the constant of an Add: a vector (a bias) or a table of at most two long axes that ends at the last axis of the result
//   (position embeddings); the constant of a Mul: a vector (a scale of channels, the gain of a written-out RMS norm).
// Not of an Add or Mul right at an input, which is preprocessing; not scalars, which are exponents, epsilons and factors;
// and not constants all of whose numbers are whole or halves but differ: masks, grids and anchors.
// Nodes in between that only rearrange, convert or round what they read are looked through.

import type { Graph, Initializer, Node } from "../../ir/model.js";
import { uses } from "../../ir/traverse.js";
import { weightsOf } from "../../ops/index.js";
import { operatorKey } from "../../ops/operator.js";
import { numbersOf } from "../../passes/constants.js";
import { elementCount } from "../../tensor/dtype.js";
import type { TrainableWeight } from "../prepared.js";
import type { Draft } from "./draft.js";
import type { Observed } from "./static-shapes.js";

/** Inputs that are parameters of the operator beyond those in `ops/`. */
const PARAMETERS: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  LayerNormalization: [1, 2],
  SimplifiedLayerNormalization: [1],
  RMSNormalization: [1],
  PRelu: [1],
  "com.microsoft:SkipLayerNormalization": [2, 3, 4],
  "com.microsoft:SkipSimplifiedLayerNormalization": [2, 3],
  "com.microsoft:EmbedLayerNormalization": [2, 3, 4, 5, 6],
  "com.microsoft:GroupNorm": [1, 2],
  "com.microsoft:SkipGroupNorm": [1, 2, 4],
  "com.microsoft:BiasGelu": [1],
  "com.microsoft:FastGelu": [1],
  "com.microsoft:BiasAdd": [1],
  "com.microsoft:MultiHeadAttention": [3],
  "com.microsoft:FusedGemm": [0, 1, 2],
  "com.microsoft:FusedMatMul": [0, 1],
};

const VIEWS = new Set(
  `Identity Transpose Reshape Flatten Squeeze Unsqueeze Cast Slice Split Concat Expand Gather QuantizeLinear
  DequantizeLinear`.split(/\s+/),
);

export interface Parameters {
  /** In the order in which the graph reads them. */
  readonly weights: readonly TrainableWeight[];
  /** Nodes whose matrix is a parameter. */
  readonly trained: number;
  /** Nodes whose matrix is computed from constants: packed codes, mostly. */
  readonly packed: readonly Node[];
}

/** `draft.model` is flat and its shapes are observed. */
export async function findWeights(draft: Draft, shapes: Observed): Promise<Parameters> {
  const { graph } = draft.model;
  const dynamic = fromInputs(graph);
  const packed: Node[] = [];
  let trained = 0;
  const seen = new Map<string, ReadonlySet<string>>();
  for (const [name, { dtype }] of graph.initializers) {
    if (dtype === "float32" && draft.origins.has(name)) seen.set(name, new Set([name]));
  }
  const found = new Set<string>();
  const rejected = new Map<string, boolean>();
  const raw = rawValues(graph);
  const isGrid = async (weight: string) => {
    const known = rejected.get(weight) ?? (await looksLikeGrid(graph.initializers.get(weight)));
    rejected.set(weight, known);
    return known;
  };
  for (const node of graph.nodes) {
    const parameters = new Set([
      ...weightsOf(node).map(({ input }) => input),
      ...(PARAMETERS[operatorKey(node)] ?? []),
    ]);
    for (const { input, role } of weightsOf(node)) {
      if (role !== "matrix" && role !== "recurrent") continue;
      const name = node.inputs[input]!;
      if (seen.has(name)) trained++;
      else if (!dynamic.has(name) && shapes.get(name)?.dtype === "float32") packed.push(node);
    }
    for (const [input, name] of node.inputs.entries()) {
      const weights = seen.get(name);
      if (weights === undefined) continue;
      if (parameters.has(input)) {
        for (const weight of weights) found.add(weight);
      } else if (isBiasOrScale(node, input, raw, dynamic, shapes)) {
        for (const weight of weights) if (!(await isGrid(weight))) found.add(weight);
      }
    }
    if (!isView(node, seen, graph)) continue;
    // Scales and indices are read beside the numbers, and are none themselves.
    const sources = node.opType === "Concat" ? node.inputs : node.inputs.slice(0, 1);
    const carried = new Set(sources.flatMap((name) => [...(seen.get(name) ?? [])]));
    if (carried.size > 0) for (const name of node.outputs) if (name !== "") seen.set(name, carried);
  }
  const weights = [...found].map((name) => ({
    name,
    source: draft.origins.get(name)!.source,
    dims: graph.initializers.get(name)!.dims,
  }));
  return { weights, trained, packed };
}

/** Values that depend on an input. */
function fromInputs(graph: Graph): ReadonlySet<string> {
  const dynamic = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    if ([...uses(node)].some((name) => dynamic.has(name))) for (const name of node.outputs) dynamic.add(name);
  }
  dynamic.delete("");
  return dynamic;
}

/** A node that rearranges constants alone; a Gather only of constant rows, else its table is looked up. */
function isView(node: Node, seen: ReadonlyMap<string, unknown>, graph: Graph): boolean {
  if (node.domain !== "" || !VIEWS.has(node.opType)) return false;
  if (!node.inputs.some((name) => seen.has(name))) return false;
  return node.inputs.every((name) => name === "" || seen.has(name) || graph.initializers.has(name));
}

/** Inputs of the graph, also behind nodes that rearrange or convert them. */
function rawValues(graph: Graph): ReadonlySet<string> {
  const raw = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    if (node.domain === "" && VIEWS.has(node.opType) && node.opType !== "Gather" && raw.has(node.inputs[0]!)) {
      for (const name of node.outputs) raw.add(name);
    }
  }
  return raw;
}

function isBiasOrScale(
  node: Node,
  input: number,
  raw: ReadonlySet<string>,
  dynamic: ReadonlySet<string>,
  shapes: Observed,
): boolean {
  if (node.domain !== "" || !["Add", "Sum", "Mul"].includes(node.opType)) return false;
  const others = node.inputs.filter((_, i) => i !== input);
  if (others.some((name) => raw.has(name)) || !others.some((name) => dynamic.has(name))) return false;
  const own = shapes.get(node.inputs[input]!)?.dims;
  const result = shapes.get(node.outputs[0]!)?.dims;
  if (own === undefined || result === undefined) return false;
  const long = own.flatMap((size, axis) => (size > 1 ? [axis] : []));
  // One number is the bias of a layer with one channel only where the result's channels are one, too.
  if (long.length === 0) return node.opType !== "Mul" && own.length > 0 && result[result.length - own.length] === 1;
  if (long.length === 1) return true;
  return node.opType !== "Mul" && long.length === 2 && own.at(-1) === result.at(-1) && own.at(-1)! > 1;
}

/** Whole or half numbers that are not all the same. What is too large to look at is taken for a parameter. */
async function looksLikeGrid(constant: Initializer | undefined): Promise<boolean> {
  if (constant === undefined || elementCount(constant.dims) < 2) return false;
  const values = await numbersOf(constant);
  if (values === undefined) return false;
  const first = values[0]!;
  if (values.every((value) => value === first)) return Math.abs(first) >= 1000;
  return values.every((value) => !Number.isFinite(value) || Number.isInteger(value * 2));
}
