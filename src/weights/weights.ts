// The weights of a model: float constants that operators use as weights, with everyone who uses them, in every graph
// and function body, seen through the nodes that only rearrange them.

import type { FunctionDefinition, Graph, Initializer, Model, Node } from "../ir/model.js";
import { definitions, subgraphs } from "../ir/traverse.js";
import { type WeightUse, weightsOf } from "../ops/index.js";
import { constantValue } from "../passes/constant-node.js";
import { elementCount } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import { functionBody } from "./function-bodies.js";
import { type Integers, overlappingAxis, ownAxis, type View, viewDims, viewThrough, wholeView } from "./views.js";

/** One use of a weight: by a node, or (no node) as a graph output. */
export interface Consumer {
  readonly node: Node | undefined;
  readonly graph: Graph;
  readonly input: number;
  /** What the operator uses it for; undefined: not as a weight pare knows. Axes are those that the node sees. */
  readonly use: WeightUse | undefined;
  /** The nodes (Transpose, Reshape, Cast ...) through which the node sees the weight, from the weight on; mostly none. */
  readonly path: readonly Node[];
  /** How many axes the weight has after each node of the path. */
  readonly ranks: readonly number[];
  /** What the node sees. */
  readonly view: View;
}

export interface Weight {
  readonly name: string;
  readonly tensor: Tensor & { readonly dtype: "float32" | "float16" };
  /** The graph that owns it; for a Constant of a local function, `functionBody` of that. */
  readonly graph: Graph;
  readonly elements: number;
  /** In the order of execution. */
  readonly consumers: readonly Consumer[];
  /** It is also an input with a default value: a caller may override it, so it is no constant. */
  readonly overridable: boolean;
}

type Growing = Weight & { readonly consumers: Consumer[] };
/** What a name means: a weight as seen through some nodes, a constant, codes made of such, or (undefined) anything else. */
type Meaning =
  | (Pick<Consumer, "path" | "ranks" | "view" | "graph"> & { readonly weight: Growing })
  | { readonly constant: Initializer }
  | { readonly codes: true };
type Seen = Extract<Meaning, { weight: unknown }>;

/** Names of a graph, and through it those of the graphs around it: not copied, a model may have thousands of subgraphs. */
class Names {
  readonly #own = new Map<string, Meaning | undefined>();

  constructor(private readonly outer?: Names) {}

  set(name: string, meaning: Meaning | undefined): void {
    this.#own.set(name, meaning);
  }

  get(name: string): Meaning | undefined {
    return this.#own.has(name) ? this.#own.get(name) : this.outer?.get(name);
  }
}

/**
 * Every float32 and float16 constant of the main graph, its subgraphs and the local functions, outer before inner, in
 * file order. Reads no weight. The model must be at least IR 4 (`prepare`).
 */
export function collectWeights(
  model: Model,
  options: { readonly functions: boolean } = { functions: true },
): readonly Weight[] {
  const found: Growing[] = [];
  const passed: Seen[] = [];
  const usesOf = usesWith(model.functions);
  walk(model.graph, undefined, found, passed, usesOf);
  const bodies = options.functions ? model.functions : [];
  for (const definition of bodies) walk(functionBody(definition), undefined, found, passed, usesOf);
  // A Transpose whose result nobody uses is no way to see the weight, but it takes it like any other node.
  const ways = new Map<Weight, Set<Node>>();
  for (const { weight, path, ranks, view, graph } of passed) {
    const used = ways.get(weight) ?? new Set(weight.consumers.flatMap((consumer) => consumer.path));
    ways.set(weight, used);
    const last = path.at(-1);
    if (last === undefined || used.has(last)) continue;
    const before = { path: path.slice(0, -1), ranks: ranks.slice(0, -1) };
    weight.consumers.push({ node: last, graph, input: 0, use: undefined, ...before, view });
    for (const node of before.path) used.add(node);
  }
  return found;
}

/** The uses of a node; a call of a local function uses its inputs as the nodes of its body do, calls inside included. */
function usesWith(functions: readonly FunctionDefinition[]): (node: Node) => readonly WeightUse[] {
  const key = (domain: string, name: string, overload: string) => JSON.stringify([domain, name, overload]);
  const definitions = new Map(functions.map((one) => [key(one.domain, one.name, one.overload), one]));
  const known = new Map<FunctionDefinition, readonly WeightUse[]>();
  const usesOf = (node: Node): readonly WeightUse[] => {
    const definition = definitions.get(key(node.domain, node.opType, node.overload));
    if (definition) return usesOfBody(definition);
    // Inside a function an attribute may stand for one of the call: then the axes are not known here.
    return [...node.attributes.values()].some(({ type }) => type === "reference") ? [] : weightsOf(node);
  };
  const usesOfBody = (definition: FunctionDefinition): readonly WeightUse[] => {
    const before = known.get(definition);
    if (before) return before;
    // Functions cannot call themselves by definition; a file where they do must not hang.
    known.set(definition, []);
    const uses = definition.nodes.flatMap((node) =>
      usesOf(node).flatMap((use) => {
        const input = definition.inputs.indexOf(node.inputs[use.input]!);
        return input < 0 ? [] : [{ ...use, input }];
      }),
    );
    known.set(definition, uses);
    return uses;
  };
  return usesOf;
}

function walk(
  graph: Graph,
  outer: Names | undefined,
  found: Growing[],
  passed: Seen[],
  usesOf: ReturnType<typeof usesWith>,
): void {
  const names = new Names(outer);
  for (const name of definitions(graph)) names.set(name, undefined);
  const inputs = new Set(graph.inputs.map((input) => input.name));
  for (const [name, tensor] of graph.initializers) {
    if (!isFloat(tensor)) {
      if (!inputs.has(name)) names.set(name, { constant: tensor });
      continue;
    }
    const elements = elementCount(tensor.dims);
    const weight: Growing = { name, tensor, graph, elements, consumers: [], overridable: inputs.has(name) };
    found.push(weight);
    names.set(name, { weight, path: [], ranks: [], view: wholeView(tensor.dtype, tensor.dims), graph });
  }
  const integers: Integers = (name) => {
    const meaning = names.get(name);
    return meaning && "constant" in meaning ? integersOf(meaning.constant) : undefined;
  };
  const isCodes = (name: string) => {
    const meaning = names.get(name);
    return (
      meaning !== undefined && ("codes" in meaning || ("constant" in meaning && NARROW.has(meaning.constant.dtype)))
    );
  };
  for (const node of graph.nodes) {
    // A table that codes of a quantized weight are looked up in is no embedding.
    const uses = usesOf(node).filter(({ role }) => role !== "table" || !node.inputs.slice(1).some(isCodes));
    if (node.inputs.some(isCodes) && node.inputs.every((name) => isInteger(names.get(name)))) {
      for (const name of node.outputs) names.set(name, { codes: true });
    }
    if (node.opType === "Constant" && node.domain === "") {
      const constant = constantValue(node);
      if (constant && !isFloat(constant)) names.set(node.outputs[0] ?? "", { constant });
    }
    for (const [input, name] of node.inputs.entries()) {
      const meaning = names.get(name);
      if (meaning === undefined || !("weight" in meaning)) continue;
      const { weight, path, ranks } = meaning;
      const view = input === 0 && weight.elements > 0 ? viewThrough(node, meaning.view, integers) : undefined;
      if (view) {
        const seen = { weight, path: [...path, node], ranks: [...ranks, view.axes.length], view, graph };
        names.set(node.outputs[0]!, seen);
        passed.push(seen);
        continue;
      }
      const use = uses.find((candidate) => candidate.input === input);
      weight.consumers.push({ node, graph, input, use, path, ranks, view: meaning.view });
    }
    for (const inner of subgraphs(node)) walk(inner, names, found, passed, usesOf);
  }
  for (const output of graph.outputs) {
    const meaning = names.get(output.name);
    if (meaning === undefined || !("weight" in meaning)) continue;
    const { weight, path, ranks, view } = meaning;
    weight.consumers.push({ node: undefined, graph, input: 0, use: undefined, path, ranks, view });
  }
}

const isFloat = (tensor: Initializer): tensor is Weight["tensor"] =>
  tensor.sparse === undefined && (tensor.dtype === "float32" || tensor.dtype === "float16");

const isInteger = (meaning: Meaning | undefined) => meaning !== undefined && !("weight" in meaning);

/** Types that codes stand in; indices of embeddings are wider. */
const NARROW: ReadonlySet<string> = new Set(["int2", "uint2", "int4", "uint4", "int8", "uint8", "int16", "uint16"]);

/** What is in memory already suffices: shapes are never left in the file (onnx/limits). */
function integersOf(tensor: Initializer): readonly number[] | undefined {
  if (tensor.sparse || tensor.dtype !== "int64" || tensor.data.bytes === undefined) return undefined;
  const { bytes } = tensor.data;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 8 }, (_, at) => Number(view.getBigInt64(8 * at, true)));
}

type MatrixUse = Consumer & { readonly node: Node; readonly use: WeightUse };

/** The uses of a weight as the operators' facts tell them; vectors (biases) are none. */
export const matrixUses = (weight: Weight): readonly MatrixUse[] =>
  weight.consumers.filter(
    (consumer): consumer is MatrixUse =>
      consumer.node !== undefined && consumer.use !== undefined && consumer.use.role !== "vector",
  );

/** The nodes that use it as a weight; where it is only rearranged before, those that do that. */
export const weightNodes = (weight: Weight): readonly Node[] => {
  const nodes = matrixUses(weight).map(({ node }) => node);
  return nodes.length > 0
    ? nodes
    : weight.consumers.flatMap(({ node, use }) => (node && use === undefined ? [node] : []));
};

/** Whether an operator that pare knows uses it as a weight, or it is only rearranged (exporters write LSTM weights so). */
export function isWeight(weight: Weight): boolean {
  const { dims } = weight.tensor;
  const [first] = matrixUses(weight);
  if (first === undefined) return dims.length > 1 && weight.consumers.every(rearranges);
  const axis = seenAxis(first);
  return axis >= 0 && axis < first.view.axes.length;
}

/**
 * The axis of output channels (or table rows), as the first operator that uses the weight tells. The first axis where
 * the weight is only rearranged, and where what the operator sees is part of one axis or several, the outermost of
 * those. Undefined where there is none: it is no weight (`isWeight`), or a vector that becomes a matrix by a Reshape.
 */
export function channelAxis(weight: Weight): number | undefined {
  if (!isWeight(weight)) return undefined;
  const [first] = matrixUses(weight);
  const { dims } = weight.tensor;
  if (first === undefined) return 0;
  if (first.path.length === 0) return seenAxis(first);
  if (dims.length < 2) return undefined;
  return ownAxis(first.view, seenAxis(first), dims) ?? overlappingAxis(first.view, seenAxis(first), dims) ?? 0;
}

const seenAxis = ({ use, view }: MatrixUse) => axisOf(use.outputAxis, viewDims(view));

const REARRANGING = new Set(["Concat", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"]);

const rearranges = ({ node, input }: Consumer) =>
  node !== undefined && node.domain === "" && REARRANGING.has(node.opType) && (input === 0 || node.opType === "Concat");

/** An axis counted from the front. */
export const axisOf = (axis: number, dims: readonly number[]): number => (axis < 0 ? axis + dims.length : axis);
