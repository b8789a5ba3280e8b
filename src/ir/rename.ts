// Other names for the values that nodes and subgraphs use, minding that a subgraph may define the same name anew.

import type { Attribute, Graph, Node } from "./model.js";
import { captures, definitions, subgraphs } from "./traverse.js";

/** A node with other names for some of the values it uses, in its subgraphs too, where they are not defined anew. */
export function renameInputs(node: Node, renames: ReadonlyMap<string, string>): Node {
  const inputs = node.inputs.some((name) => renames.has(name))
    ? node.inputs.map((name) => renames.get(name) ?? name)
    : node.inputs;
  let attributes: Map<string, Attribute> | undefined;
  for (const [key, attribute] of node.attributes) {
    const renamed = renameInAttribute(attribute, renames);
    if (renamed !== attribute) attributes = (attributes ?? new Map(node.attributes)).set(key, renamed);
  }
  return inputs === node.inputs && !attributes ? node : { ...node, inputs, attributes: attributes ?? node.attributes };
}

function renameInAttribute(attribute: Attribute, renames: ReadonlyMap<string, string>): Attribute {
  if (attribute.type === "graph") {
    const value = renameCaptures(attribute.value, renames);
    return value === attribute.value ? attribute : { ...attribute, value };
  }
  if (attribute.type !== "graphs") return attribute;
  const value = attribute.value.map((graph) => renameCaptures(graph, renames));
  return value.every((graph, i) => graph === attribute.value[i]) ? attribute : { ...attribute, value };
}

/** A subgraph that takes other names from the scope around it. */
export function renameCaptures(graph: Graph, renames: ReadonlyMap<string, string>): Graph {
  const taken = captures(graph);
  const own = new Map([...renames].filter(([from]) => taken.has(from)));
  if (own.size === 0) return graph;
  const outputs = graph.outputs.map((output) => {
    const to = own.get(output.name);
    return to === undefined ? output : { ...output, name: to };
  });
  const nodes = graph.nodes.map((node) => renameInputs(node, own));
  return { ...graph, nodes, outputs };
}

/** Every value name of a graph and of those inside it. */
export function allNames(graph: Graph): Set<string> {
  const names = definitions(graph);
  for (const output of graph.outputs) names.add(output.name);
  for (const node of graph.nodes) {
    for (const name of node.inputs) names.add(name);
    for (const inner of subgraphs(node)) for (const name of allNames(inner)) names.add(name);
  }
  return names;
}
