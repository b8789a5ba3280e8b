// Weight bytes by layer, comparable between a model and what became of it: the bytes of a constant belong to the node
// that first uses it together with an activation, whatever decodes it on the way (Cast, Sub, Mul, DequantizeLinear ...).

import { type Graph, type Initializer, label, type Model, type Node } from "../ir/model.js";
import { subgraphs, uses } from "../ir/traverse.js";
import { type Body, bodies, type Constant, constants } from "./constants.js";
import type { LayerSize } from "./report.js";

/** Constants by their first stored part, which is how a graph refers to them. */
type Stored = ReadonlyMap<unknown, Constant>;

const storedParts = (model: Model): Stored =>
  new Map(constants(model).map((constant) => [constant.parts[0], constant]));

/** Of every node that owns weights, those of subgraphs and functions too: each constant counts once. */
export function weightBytesByNode(model: Model): ReadonlyMap<Node, number> {
  const stored = storedParts(model);
  return new Map([...bodies(model)].flatMap((body) => [...ownBytes(body, stored)]));
}

/** The same for the nodes of one body; what their subgraphs hold is not theirs. */
function ownBytes({ nodes, initializers }: Pick<Body, "nodes" | "initializers">, stored: Stored): Map<Node, number> {
  const found = new Map<Node, number>();
  // Bytes that stand behind a value made of constants alone, not yet claimed by a layer.
  const waiting = new Map<string, number>();
  for (const [name, initializer] of initializers) waiting.set(name, initializerBytes(initializer, stored));
  for (const node of nodes) {
    const inputs = [...uses(node)];
    const claimed = inputs.reduce((sum, name) => sum + (waiting.get(name) ?? 0), 0) + constantNodeBytes(node, stored);
    for (const name of inputs) if (waiting.has(name)) waiting.set(name, 0);
    const onlyConstants = inputs.every((name) => waiting.has(name)) && subgraphs(node).length === 0;
    if (onlyConstants) {
      for (const [index, output] of node.outputs.entries()) waiting.set(output, index === 0 ? claimed : 0);
    } else if (claimed > 0) found.set(node, claimed);
  }
  return found;
}

const initializerBytes = (initializer: Initializer, stored: Stored): number =>
  stored.get(initializer.sparse ? initializer.sparse.values : initializer)?.bytes ?? 0;

function constantNodeBytes(node: Node, stored: Stored): number {
  const value = node.attributes.get("value") ?? node.attributes.get("sparse_value");
  if (node.opType !== "Constant" || value === undefined) return 0;
  const part = value.type === "sparse" ? value.value.sparse.values : value.value;
  return stored.get(part)?.bytes ?? 0;
}

function nestedBytes(graph: Graph, stored: Stored): number {
  let bytes = 0;
  for (const initializer of graph.initializers.values()) bytes += initializerBytes(initializer, stored);
  for (const node of graph.nodes) {
    bytes += constantNodeBytes(node, stored);
    for (const inner of subgraphs(node)) bytes += nestedBytes(inner, stored);
  }
  return bytes;
}

/**
 * The layers of several models beside each other, in the reference's order, then those that only others have. A node
 * with subgraphs holds the weights inside them; weights of functions belong to no layer. A layer is known again by its node's name, else by the value it makes: rewrites keep one or the other.
 */
export function layerSizes(models: readonly Model[]): readonly LayerSize[] {
  const rows: { name: string; op: string; bytes: (number | null)[] }[] = [];
  const byName = new Map<string, (typeof rows)[number]>();
  const byOutput = new Map<string, (typeof rows)[number]>();
  for (const [index, model] of models.entries()) {
    const stored = storedParts(model);
    const own = ownBytes(model.graph, stored);
    for (const node of model.graph.nodes) {
      const inner = subgraphs(node).reduce((sum, graph) => sum + nestedBytes(graph, stored), 0);
      const bytes = (own.get(node) ?? 0) + inner;
      if (bytes === 0) continue;
      const name = label(node);
      const outputs = node.outputs.filter((output) => output !== "");
      const known = byName.get(name) ?? outputs.map((output) => byOutput.get(output)).find((row) => row !== undefined);
      const row = known ?? { name, op: node.opType, bytes: models.map(() => null) };
      if (known === undefined) rows.push(row);
      row.bytes[index] = (row.bytes[index] ?? 0) + bytes;
      byName.set(name, row);
      for (const output of outputs) byOutput.set(output, row);
    }
  }
  return rows.map(({ name, op, bytes }) => ({ name, op, bytes }));
}
