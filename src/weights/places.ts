// The layers that people name by their place: the first and the last that multiply by a weight, and the embeddings.

import type { Graph, Model, Node } from "../ir/model.js";
import { subgraphs, uses } from "../ir/traverse.js";
import type { Tensor } from "../tensor/tensor.js";
import { functionBody } from "./function-bodies.js";
import { collectWeights, matrixUses } from "./weights.js";

export interface Placed {
  readonly nodes: ReadonlySet<Node>;
  readonly weights: ReadonlySet<Tensor>;
}

/** What the words stand for. */
export const PLACES = {
  first: "nodes with a weight matrix that have none before them on the way from the inputs (in branches: of each)",
  last: "nodes with a weight matrix that have none after them on the way to the outputs (in branches: of each)",
  embeddings: "tables that Gather reads, also where a product uses the same weight",
} as const;

export type PlaceName = keyof typeof PLACES;

export const isPlace = (word: string): word is PlaceName => Object.hasOwn(PLACES, word);

/**
 * The nodes and weights of a place. A weight counts from `minimum` elements on. Where the outermost node is an If, a
 * Loop or a call of a local function, those inside it are meant.
 */
export function placeOf(model: Model, place: PlaceName, minimum: number): Placed {
  const weights = collectWeights(model).filter((weight) => weight.elements >= Math.max(minimum, 1));
  if (place === "embeddings") {
    const tables = weights.filter((weight) => matrixUses(weight).some(({ use }) => use.role === "table"));
    return {
      nodes: new Set(tables.flatMap((weight) => matrixUses(weight).map(({ node }) => node))),
      weights: new Set(tables.map(({ tensor }) => tensor)),
    };
  }
  const multiplying = new Map<Node, Tensor[]>();
  for (const weight of weights) {
    for (const { node, use } of matrixUses(weight)) {
      if (use.role !== "table") multiplying.set(node, [...(multiplying.get(node) ?? []), weight.tensor]);
    }
  }
  const calls = new Map(model.functions.map((one) => [`${one.domain}:${one.name}:${one.overload}`, one]));
  const inside = (node: Node): readonly Graph[] => {
    const called = calls.get(`${node.domain}:${node.opType}:${node.overload}`);
    return called ? [functionBody(called)] : subgraphs(node);
  };
  const counts = (node: Node): boolean =>
    multiplying.has(node) || inside(node).some((graph) => graph.nodes.some(counts));
  const outermost = place === "first" ? firsts : lasts;
  const found = new Set<Node>();
  const find = (graph: Graph, main: boolean) => {
    for (const node of outermost(graph, counts, main)) {
      if (multiplying.has(node)) found.add(node);
      else for (const inner of inside(node)) find(inner, false);
    }
  };
  find(model.graph, true);
  return { nodes: found, weights: new Set([...found].flatMap((node) => multiplying.get(node)!)) };
}

/** In the main graph only nodes that an input reaches; in a body everything is reached. */
function firsts(graph: Graph, counts: (node: Node) => boolean, main: boolean): Node[] {
  const live = new Set(graph.inputs.flatMap(({ name }) => (graph.initializers.has(name) ? [] : [name])));
  const after = new Set<string>();
  const found: Node[] = [];
  for (const node of graph.nodes) {
    const names = [...uses(node)];
    const reached = !main || names.some((name) => live.has(name));
    if (reached) for (const name of node.outputs) live.add(name);
    const later = names.some((name) => after.has(name));
    const counted = reached && counts(node);
    if (counted && !later) found.push(node);
    if (counted || later) for (const name of node.outputs) after.add(name);
  }
  return found;
}

function lasts(graph: Graph, counts: (node: Node) => boolean): Node[] {
  const useful = new Set(graph.outputs.map(({ name }) => name));
  const before = new Set<string>();
  const found: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => useful.has(name))) continue;
    const earlier = node.outputs.some((name) => before.has(name));
    const counted = counts(node);
    if (counted && !earlier) found.push(node);
    for (const name of uses(node)) {
      useful.add(name);
      if (counted || earlier) before.add(name);
    }
  }
  return found.reverse();
}
