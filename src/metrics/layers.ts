// Weight bytes by layer, comparable between a model and what became of it: the bytes of a constant belong to the node
// that first uses it together with an activation, whatever decodes it on the way (Cast, Sub, Mul, DequantizeLinear ...).

import { type Graph, type Initializer, label, type Model, type Node } from "../ir/model.js";
import { subgraphs, uses } from "../ir/traverse.js";
import { type Body, bodies, type Constant, constants } from "./constants.js";
import type { LayerSize } from "./report.js";

/** Constants by their first stored part, which is how a graph refers to them. */
type Stored = ReadonlyMap<unknown, readonly [Constant]>;

const storedParts = (model: Model): Stored =>
  new Map(constants(model).map((constant) => [constant.parts[0], [constant] as const]));

/** Of every node that owns weights, those of subgraphs and functions too: each constant counts once. */
export function weightBytesByNode(model: Model): ReadonlyMap<Node, number> {
  const stored = storedParts(model);
  const own = [...bodies(model)].flatMap((body) => [...ownConstants(body, stored)]);
  return new Map(own.map(([node, held]) => [node, bytesOf(held)]));
}

const bytesOf = (held: readonly Constant[]): number => held.reduce((sum, { bytes }) => sum + bytes, 0);

/** The constants of the nodes of one body; what their subgraphs hold is not theirs. */
function ownConstants(
  { nodes, initializers }: Pick<Body, "nodes" | "initializers">,
  stored: Stored,
): Map<Node, readonly Constant[]> {
  const found = new Map<Node, readonly Constant[]>();
  // Constants that stand behind a value made of constants alone, not yet claimed by a layer.
  const waiting = new Map<string, readonly Constant[]>();
  for (const [name, initializer] of initializers) waiting.set(name, initializerConstant(initializer, stored));
  for (const node of nodes) {
    const inputs = [...new Set(uses(node))];
    const claimed = [...inputs.flatMap((name) => waiting.get(name) ?? []), ...nodeConstant(node, stored)];
    for (const name of inputs) if (waiting.has(name)) waiting.set(name, []);
    const onlyConstants = inputs.every((name) => waiting.has(name)) && subgraphs(node).length === 0;
    if (onlyConstants) {
      for (const [index, output] of node.outputs.entries()) waiting.set(output, index === 0 ? claimed : []);
    } else if (bytesOf(claimed) > 0) found.set(node, claimed);
  }
  return found;
}

const initializerConstant = (initializer: Initializer, stored: Stored): readonly Constant[] =>
  stored.get(initializer.sparse ? initializer.sparse.values : initializer) ?? [];

function nodeConstant(node: Node, stored: Stored): readonly Constant[] {
  const value = node.attributes.get("value") ?? node.attributes.get("sparse_value");
  if (node.opType !== "Constant" || value === undefined) return [];
  return stored.get(value.type === "sparse" ? value.value.sparse.values : value.value) ?? [];
}

function nestedConstants(graph: Graph, stored: Stored): readonly Constant[] {
  return [
    ...[...graph.initializers.values()].flatMap((initializer) => initializerConstant(initializer, stored)),
    ...graph.nodes.flatMap((node) => [
      ...nodeConstant(node, stored),
      ...subgraphs(node).flatMap((inner) => nestedConstants(inner, stored)),
    ]),
  ];
}

/**
 * The layers of several models beside each other, in the reference's order, then those that only others have. A node
 * with subgraphs holds the weights inside them; weights of functions belong to no layer. A layer is known again by its node's name, else by the value it makes: rewrites keep one or the other.
 */
export function layerConstants(models: readonly Model[]): readonly LayerConstants[] {
  const rows: { name: string; op: string; held: (readonly Constant[] | null)[] }[] = [];
  const byName = new Map<string, (typeof rows)[number]>();
  const byOutput = new Map<string, (typeof rows)[number]>();
  for (const [index, model] of models.entries()) {
    const stored = storedParts(model);
    const own = ownConstants(model.graph, stored);
    for (const node of model.graph.nodes) {
      const inner = subgraphs(node).flatMap((graph) => nestedConstants(graph, stored));
      const held = [...(own.get(node) ?? []), ...inner];
      if (bytesOf(held) === 0) continue;
      const name = label(node);
      const outputs = node.outputs.filter((output) => output !== "");
      const known = byName.get(name) ?? outputs.map((output) => byOutput.get(output)).find((row) => row !== undefined);
      const row = known ?? { name, op: node.opType, held: models.map(() => null) };
      if (known === undefined) rows.push(row);
      row.held[index] = [...(row.held[index] ?? []), ...held];
      byName.set(name, row);
      for (const output of outputs) byOutput.set(output, row);
    }
  }
  return rows;
}

export interface LayerConstants {
  readonly name: string;
  readonly op: string;
  /** What each model holds for the layer; null: it has no such layer. */
  readonly held: readonly (readonly Constant[] | null)[];
}

/** The bytes of `layerConstants`. */
export const layerSizes = (models: readonly Model[]): readonly LayerSize[] =>
  layerConstants(models).map(({ name, op, held }) => ({
    name,
    op,
    bytes: held.map((each) => (each === null ? null : bytesOf(each))),
  }));
