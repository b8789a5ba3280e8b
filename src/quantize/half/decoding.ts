// The nodes that make a weight of codes when the model loads. In float16 most of them have no kernel on the CPU: they would not be
// folded, but run each time. So they stay as they are, and what they make is cast.

import type { Graph, Model, Node } from "../../ir/model.js";
import { subgraphs } from "../../ir/traverse.js";
import { DTYPES } from "../../tensor/dtype.js";

/** Nodes of the graph and its subgraphs that take nothing but constants, and codes (integers of 16 bits and fewer) among them. */
export function decodingNodes(model: Model): ReadonlySet<Node> {
  const found = new Set<Node>();
  visit(model.graph, () => undefined, found);
  return found;
}

/** What a value is: a constant, or one that codes went into. */
type Kind = "constant" | "decoded" | undefined;

function visit(graph: Graph, outer: (name: string) => Kind, found: Set<Node>): void {
  const kinds = new Map<string, Kind>();
  for (const [name, { dtype }] of graph.initializers) {
    kinds.set(name, /^u?int/.test(dtype) && DTYPES[dtype].bits <= 16 ? "decoded" : "constant");
  }
  for (const { name } of graph.inputs) kinds.set(name, undefined);
  const kindOf = (name: string) => (kinds.has(name) ? kinds.get(name) : outer(name));
  for (const node of graph.nodes) {
    const bodies = subgraphs(node);
    for (const body of bodies) visit(body, kindOf, found);
    const inputs = node.inputs.filter((name) => name !== "").map(kindOf);
    const constant = bodies.length === 0 && inputs.every((kind) => kind !== undefined);
    // A node without inputs may draw at random.
    const kind = !constant || (inputs.length === 0 && node.opType !== "Constant") ? undefined : of(inputs);
    if (kind === "decoded") found.add(node);
    for (const name of node.outputs) kinds.set(name, kind);
  }
}

const of = (inputs: readonly Kind[]): Kind => (inputs.includes("decoded") ? "decoded" : "constant");
