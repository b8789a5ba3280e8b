// Multiply-accumulates of a graph at given shapes: the sum over its nodes of what `ops/` counts for each.

import type { Graph, Model, Node } from "../ir/model.js";
import { subgraphs } from "../ir/traverse.js";
import { costOf, type Shapes, weightsOf } from "../ops/index.js";

export interface Work {
  readonly macs: number;
  readonly byNode: ReadonlyMap<Node, number>;
  /** Nodes that multiply but whose shapes are not known, those in subgraphs (If, Loop, Scan) and functions among them. */
  readonly uncounted: number;
}

/** `values` gives dimensions by value name: observed ones, or those that the file states. */
export function workOf({ graph, functions }: Pick<Model, "graph" | "functions">, values: Shapes): Work {
  const byNode = new Map<Node, number>();
  let macs = 0;
  let uncounted = 0;
  for (const node of graph.nodes) {
    const cost = costOf(node, values);
    if (cost !== undefined) {
      byNode.set(node, cost);
      macs += cost;
    } else if (weightsOf(node).some(({ role }) => role !== "table" && role !== "vector")) uncounted++;
    for (const inner of subgraphs(node)) uncounted += multiplying(inner);
  }
  for (const definition of functions) uncounted += multiplying(definition);
  return { macs, byNode, uncounted };
}

function multiplying(graph: Pick<Graph, "nodes">): number {
  let count = 0;
  for (const node of graph.nodes) {
    if (weightsOf(node).some(({ role }) => role === "matrix" || role === "recurrent")) count++;
    for (const inner of subgraphs(node)) count += multiplying(inner);
  }
  return count;
}

/** The shapes that the file itself states: inputs, outputs, inner values, constants. Only those without symbols. */
export function statedShapes(graph: Graph): Shapes {
  const shapes = new Map<string, { dims: readonly number[] }>();
  for (const info of [...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()]) {
    const shape = info.type?.kind === "tensor" ? info.type.shape : undefined;
    if (shape?.every((dim) => typeof dim === "number")) shapes.set(info.name, { dims: shape as readonly number[] });
  }
  for (const [name, { dims }] of graph.initializers) shapes.set(name, { dims });
  return shapes;
}
