// The weights of a model: float constants that operators use as weights, with everyone who uses them, in every graph.

import { intsOf } from "../ir/attributes.js";
import type { FunctionDefinition, Graph, Initializer, Model, Node } from "../ir/model.js";
import { definitions, subgraphs } from "../ir/traverse.js";
import { type WeightUse, weightsOf } from "../ops/index.js";
import { elementCount } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";

/** One use of a weight: by a node, or (no node) as a graph output. */
export interface Consumer {
  readonly node: Node | undefined;
  readonly graph: Graph;
  readonly input: number;
  /** What the operator uses it for; undefined: not as a weight pare knows. */
  readonly use: WeightUse | undefined;
  /** The Transpose of two axes through which the node sees the weight: tied embeddings are written so. */
  readonly through?: Node;
}

export interface Weight {
  readonly name: string;
  readonly tensor: Tensor & { readonly dtype: "float32" | "float16" };
  /** The graph that owns it. */
  readonly graph: Graph;
  readonly elements: number;
  /** In the order of execution. */
  readonly consumers: readonly Consumer[];
  /** It is also an input with a default value: a caller may override it, so it is no constant. */
  readonly overridable: boolean;
}

type Growing = Weight & { readonly consumers: Consumer[] };
/** What a name means: a weight, a weight seen through a Transpose, or (undefined) anything else. */
interface Meaning {
  readonly weight: Growing;
  readonly through?: Node;
}
type Names = ReadonlyMap<string, Meaning | undefined>;

/**
 * Every float32 and float16 constant of the main graph and its subgraphs (function bodies excluded), outer before
 * inner, in file order. Reads no weight. The model must be at least IR 4 (`prepare`).
 */
export function collectWeights(model: Model): readonly Weight[] {
  const found: Growing[] = [];
  const transposes: Meaning[] = [];
  walk(model.graph, new Map(), found, transposes, usesWith(model.functions));
  // A Transpose whose result nobody uses is no way to see the weight, but it takes it like any other node.
  for (const { weight, through } of transposes) {
    if (through === undefined || weight.consumers.some((consumer) => consumer.through === through)) continue;
    weight.consumers.push({ node: through, graph: weight.graph, input: 0, use: undefined });
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
  outer: Names,
  found: Growing[],
  transposes: Meaning[],
  usesOf: ReturnType<typeof usesWith>,
): void {
  const names = new Map(outer);
  for (const name of definitions(graph)) names.set(name, undefined);
  const inputs = new Set(graph.inputs.map((input) => input.name));
  for (const [name, tensor] of graph.initializers) {
    if (!isFloat(tensor)) continue;
    const weight: Growing = {
      name,
      tensor,
      graph,
      elements: elementCount(tensor.dims),
      consumers: [],
      overridable: inputs.has(name),
    };
    found.push(weight);
    names.set(name, { weight });
  }
  for (const node of graph.nodes) {
    const uses = usesOf(node);
    for (const [input, name] of node.inputs.entries()) {
      const meaning = names.get(name);
      if (meaning === undefined) continue;
      const { weight, through } = meaning;
      if (through === undefined && swapsTwoAxes(node, weight)) {
        const seen = { weight, through: node };
        names.set(node.outputs[0]!, seen);
        transposes.push(seen);
        continue;
      }
      const use = uses.find((candidate) => candidate.input === input);
      weight.consumers.push({ node, graph, input, use, ...(through && { through }) });
    }
    for (const inner of subgraphs(node)) walk(inner, names, found, transposes, usesOf);
  }
  for (const output of graph.outputs) {
    const meaning = names.get(output.name);
    meaning?.weight.consumers.push({
      node: undefined,
      graph,
      input: 0,
      use: undefined,
      ...(meaning.through && { through: meaning.through }),
    });
  }
}

const isFloat = (tensor: Initializer): tensor is Weight["tensor"] =>
  tensor.sparse === undefined && (tensor.dtype === "float32" || tensor.dtype === "float16");

function swapsTwoAxes(node: Node, weight: Weight): boolean {
  if (node.opType !== "Transpose" || node.domain !== "" || weight.tensor.dims.length !== 2) return false;
  const order = intsOf(node, "perm");
  return order === undefined || (order[0] === 1 && order[1] === 0);
}

/** The uses of a weight as the operators' facts tell them; vectors (biases) are none. */
export const matrixUses = (weight: Weight): readonly (Consumer & { readonly node: Node; readonly use: WeightUse })[] =>
  weight.consumers.filter(
    (consumer): consumer is Consumer & { readonly node: Node; readonly use: WeightUse } =>
      consumer.node !== undefined && consumer.use !== undefined && consumer.use.role !== "vector",
  );

/** The nodes that use it as a weight; where it is only rearranged before, those that do that. */
export const weightNodes = (weight: Weight): readonly Node[] => {
  const nodes = matrixUses(weight).map(({ node }) => node);
  return nodes.length > 0
    ? nodes
    : weight.consumers.flatMap(({ node, use }) => (node && use === undefined ? [node] : []));
};

/** An axis counted from the front. */
export const axisOf = (axis: number, dims: readonly number[]): number => (axis < 0 ? axis + dims.length : axis);
