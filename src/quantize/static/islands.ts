// Which nodes compute with integers. Convolutions and matrix products begin an island; other operators join where what they
// take is integer already and somebody wants what they give as integers, so that no round trip is made for nothing.

import type { Model, Node } from "../../ir/model.js";
import { productAlong } from "../layout.js";
import type { Settings } from "../options.js";
import type { Selection } from "../select.js";
import { type Tail, tailOf, UNBOUNDED } from "./activation-tail.js";
import type { GraphFacts } from "./graph-facts.js";
import { staticOperator, type Use } from "./operators/index.js";

export interface Cluster {
  readonly node: Node;
  readonly use: Use;
  /** One for each output: the Relu and Clip behind it, and the value that is quantized. */
  readonly tails: readonly Tail[];
}

export interface Islands {
  /** In graph order. */
  readonly clusters: ReadonlyMap<Node, Cluster>;
  readonly kept: ReadonlyMap<Node, string>;
  /** Values that some cluster takes as integers. */
  readonly wanted: ReadonlySet<string>;
  /** Values that some cluster can give as integers, and which. */
  readonly makers: ReadonlyMap<string, Cluster>;
}

/** `without`: values that cannot be quantized. */
export function islandsOf(
  facts: GraphFacts,
  choice: Selection,
  { activations }: Pick<Settings, "activations">,
  without: ReadonlySet<string>,
): Islands {
  const clusters = new Map<Node, Cluster>();
  const kept = new Map<Node, string>();
  for (const node of facts.graph.nodes) {
    const found = clusterOf(node, facts, choice, activations);
    if (typeof found === "string") kept.set(node, found);
    else if (found) {
      const rangeless = valuesOf(found, facts).find((name) => without.has(name));
      if (rangeless === undefined) clusters.set(node, found);
      else kept.set(node, `its value "${rangeless}" has no range: it is empty, or holds infinities or NaN`);
    }
  }
  // The largest set in which everyone has a reason to be: those without are taken out until none is left. It is grounded in
  // seeds on both sides, because a graph has no cycles.
  for (;;) {
    const wanted = wantedOf(clusters.values(), facts);
    const seeds = wantedOf(
      [...clusters.values()].filter(({ use }) => use.seed),
      facts,
    );
    const makers = makersOf(clusters.values());
    const out: (readonly [Node, string])[] = [];
    for (const cluster of clusters.values()) {
      const reason = cluster.use.seed ? undefined : noReasonToJoin(cluster, facts, { wanted, seeds, makers });
      if (reason !== undefined) out.push([cluster.node, reason]);
    }
    if (out.length === 0) return { clusters, kept, wanted, makers };
    for (const [node, reason] of out) {
      clusters.delete(node);
      kept.set(node, reason);
    }
  }
}

/** The values that a cluster takes as integers; scalar constants are made integers beside them. */
export const takenBy = ({ node, use }: Cluster, facts: GraphFacts): readonly string[] =>
  use.activations.map((input) => node.inputs[input]!).filter((name) => facts.constant(name) === undefined);

const valuesOf = (cluster: Cluster, facts: GraphFacts): readonly string[] => [
  ...takenBy(cluster, facts),
  ...cluster.tails.map(({ result }) => result),
];

function wantedOf(clusters: Iterable<Cluster>, facts: GraphFacts): Set<string> {
  return new Set([...clusters].flatMap((cluster) => takenBy(cluster, facts)));
}

function makersOf(clusters: Iterable<Cluster>): Map<string, Cluster> {
  const makers = new Map<string, Cluster>();
  for (const cluster of clusters) for (const { result } of cluster.tails) makers.set(result, cluster);
  return makers;
}

interface Around {
  readonly wanted: ReadonlySet<string>;
  readonly seeds: ReadonlySet<string>;
  readonly makers: ReadonlyMap<string, Cluster>;
}

function noReasonToJoin(cluster: Cluster, facts: GraphFacts, { wanted, seeds, makers }: Around): string | undefined {
  const floats = takenBy(cluster, facts).filter((name) => !makers.has(name) && !seeds.has(name));
  if (floats.length > 0) {
    return `its input "${floats[0]}" is float, and making it integer for this node alone would cost more than it saves`;
  }
  return cluster.tails.some(({ result }) => wanted.has(result))
    ? undefined
    : "no integer operator reads its result, so it would be made integer only to be float again";
}

/** The node as a cluster; a reason why it cannot be one; undefined: it is nothing that quantization is about. */
function clusterOf(
  node: Node,
  facts: GraphFacts,
  choice: Selection,
  activations: string,
): Cluster | string | undefined {
  const operator = staticOperator(node);
  const outputs = node.outputs.filter((name) => name !== "");
  if (operator === undefined) return unknownReason(node, facts);
  const use = operator.use(node, facts);
  if (typeof use !== "string") {
    const dtype = floatProblem(node, use, facts);
    if (dtype === "integer") return undefined;
    if (dtype !== undefined) return dtype;
  }
  const seen = [0, 1].map((input) => facts.weight(node, input)).find((one) => one?.consumer.use?.role === "matrix");
  const reason = seen && choice.reasonToKeep(seen.weight);
  if (reason !== undefined) return reason;
  if (!choice.node(node)) return "the options keep, only or layers leave it out";
  if (quantizedNear(node, facts)) return "it is quantized already: it stands beside QuantizeLinear or DequantizeLinear";
  if (typeof use === "string") return use;
  if (use.weight) {
    const { weight, consumer } = facts.weight(node, use.weight.input)!;
    if (weight.elements === 0) return "its weight is empty";
    if (weight.tensor.dtype !== "float32") return `its weight is ${weight.tensor.dtype}`;
    if (consumer.path.length > 0 && productAlong(consumer, weight.tensor.dims) === undefined) {
      return "its weight goes through operators that rearrange more than its two axes";
    }
  }
  const bias = use.bias === undefined ? undefined : facts.constant(node.inputs[use.bias]!);
  if (bias && (bias.sparse !== undefined || bias.dtype !== "float32")) return "its bias is sparse, or not float32";
  for (const input of use.activations) {
    const constant = facts.constant(node.inputs[input] ?? "");
    if (constant === undefined) continue;
    const scalar = constant.dims.every((dim) => dim === 1) && facts.numbers(node.inputs[input]!) !== undefined;
    if (!scalar) return `its input "${node.inputs[input]}" is a constant of more than one number`;
    if (use.moves) return "what it moves is constant";
    // On x64 the runtime makes uint8 of pairs, and of no constants.
    if (activations === "int8") return "one of its operands is constant, which no runtime fuses with int8 on x64";
  }
  if (use.activations.every((input) => facts.constant(node.inputs[input] ?? "") !== undefined)) {
    return "all that it takes is constant";
  }
  const tails = outputs.map((name) =>
    use.moves ? { nodes: [], result: name, bounds: UNBOUNDED } : tailOf(name, facts),
  );
  return { node, use, tails };
}

/** "integer": the numbers it works on are no floats, so that there is nothing to quantize. */
function floatProblem(node: Node, use: Use, facts: GraphFacts): string | undefined {
  for (const input of use.activations) {
    const name = node.inputs[input] ?? "";
    if (name === "") return `its input ${input} is missing`;
    const dtype = facts.dtype(name) ?? "float32";
    if (dtype === "float32") continue;
    if (dtype === "float16" || dtype === "bfloat16" || dtype === "float64") {
      return `it computes in ${dtype}: static quantization takes float32 models`;
    }
    return "integer";
  }
  return undefined;
}

function quantizedNear(node: Node, facts: GraphFacts): boolean {
  const before = node.inputs.some((name) => facts.producer(name)?.opType === "DequantizeLinear");
  const after = node.outputs.some((name) => facts.consumers(name).some(({ opType }) => opType === "QuantizeLinear"));
  return before || after;
}

/** Of operators that are not listed, those with weights get a reason of their own. */
function unknownReason(node: Node, facts: GraphFacts): string | undefined {
  const weighted = node.inputs.some((_, input) => {
    const role = facts.weight(node, input)?.consumer.use?.role;
    return role !== undefined && role !== "vector";
  });
  return weighted ? `no runtime fuses ${node.opType} with quantized inputs` : undefined;
}

/** Why nodes inside subgraphs and local functions stay as they are. */
export function hiddenNodes(model: Model, facts: GraphFacts): ReadonlyMap<Node, string> {
  const top = new Set<Node>(facts.graph.nodes);
  const hidden = new Map<Node, string>();
  const inFunction = new Set(model.functions.flatMap(({ nodes }) => nodes));
  for (const weight of facts.weights) {
    for (const { node, use } of weight.consumers) {
      if (node === undefined || top.has(node) || use === undefined || use.role === "vector") continue;
      const where = inFunction.has(node) ? "a local function" : "the body of an If, Loop or Scan";
      hidden.set(node, `it is inside ${where}, whose values are not observed`);
    }
  }
  return hidden;
}
