// How much a block can add, by its last weights alone: no data and no run.

import type { Graph, Node } from "../../ir/model.js";
import { weightsOf } from "../../ops/index.js";
import { numbersOf } from "../../passes/constants.js";
import type { Block } from "./blocks.js";

/**
 * Of the last layer of each branch: root mean square of a batch norm's scale, else that of the numbers each output is made
 * with, times the root of their count; so both are about the size of what comes out where what goes in is of size 1.
 * Several branches: the largest. Undefined numbers (weights in codes) give infinity, which keeps the block.
 */
export async function branchSizes(graph: Graph, blocks: readonly Block[]): Promise<Float64Array> {
  const sizes = new Float64Array(blocks.length);
  for (const [at, block] of blocks.entries()) {
    const sums = new Set(block.additions.map(({ node }) => node));
    let last: Node | undefined;
    const ends: Node[] = [];
    for (const node of block.nodes) {
      if (sums.has(node) && last !== undefined) ends.push(last);
      else if (node.opType === "BatchNormalization" || holds(graph, node) !== undefined) last = node;
    }
    for (const end of ends) sizes[at] = Math.max(sizes[at]!, await size(graph, end));
    if (ends.length === 0) sizes[at] = Number.POSITIVE_INFINITY;
  }
  return sizes;
}

const holds = (graph: Graph, node: Node) =>
  weightsOf(node).find(
    ({ input, role }) => (role === "matrix" || role === "recurrent") && graph.initializers.has(node.inputs[input]!),
  );

async function size(graph: Graph, node: Node): Promise<number> {
  const scale = node.opType === "BatchNormalization";
  const use = scale ? undefined : holds(graph, node);
  const weight = graph.initializers.get(node.inputs[scale ? 1 : (use?.input ?? 0)]!);
  const values = await numbersOf(weight);
  if (weight === undefined || values === undefined || values.length === 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (const x of values) sum += x * x;
  const axis = use === undefined ? 0 : (use.outputAxis + weight.dims.length) % weight.dims.length;
  return Math.sqrt(sum / (weight.dims[axis] ?? 1));
}
