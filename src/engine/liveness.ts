// How much memory activations take: each value lives from the node that makes it to the last that uses it.

import type { Graph, Node } from "../ir/model.js";
import { subgraphs, uses } from "../ir/traverse.js";
import { byteCount, type DType } from "../tensor/dtype.js";

type Shapes = ReadonlyMap<string, { readonly dtype: DType; readonly dims: readonly number[] }>;

/**
 * Most bytes alive at one time when the nodes run in graph order and nothing is done in place. Inputs count until their
 * last use, outputs to the end. Weights and what is computed from weights alone do not count: runtimes fold it at load.
 */
export function peakActivationBytes(graph: Graph, values: Shapes): number {
  const lastUse = new Map<string, number>();
  graph.nodes.forEach((node, index) => {
    for (const name of uses(node)) lastUse.set(name, index);
  });
  for (const { name } of graph.outputs) lastUse.set(name, graph.nodes.length);
  const dies = new Map<number, string[]>();
  for (const [name, index] of lastUse) {
    const names = dies.get(index);
    if (names) names.push(name);
    else dies.set(index, [name]);
  }
  const alive = new Map<string, number>();
  let now = 0;
  const born = (name: string) => {
    const bytes = bytesOf(values.get(name));
    if (bytes === 0 || alive.has(name)) return;
    alive.set(name, bytes);
    now += bytes;
  };
  const active = dependsOnInputs(graph);
  for (const { name } of graph.inputs) if (active.has(name)) born(name);
  let peak = now;
  graph.nodes.forEach((node, index) => {
    const made = node.outputs.filter((name) => active.has(name));
    for (const name of made) born(name);
    peak = Math.max(peak, now);
    // Outputs that nobody uses die at once, as do inputs at their last use.
    for (const name of [...(dies.get(index) ?? []), ...made.filter((one) => !lastUse.has(one))]) {
      now -= alive.get(name) ?? 0;
      alive.delete(name);
    }
  });
  return peak;
}

/** Values that change from run to run: the graph's inputs and what is computed from them, or drawn at random. */
export function dependsOnInputs(graph: Graph): Set<string> {
  const active = new Set<string>();
  for (const { name } of graph.inputs) if (!graph.initializers.has(name)) active.add(name);
  for (const node of graph.nodes) {
    if (isRandom(node) || [...uses(node)].some((name) => active.has(name))) {
      for (const name of node.outputs) if (name !== "") active.add(name);
    }
  }
  return active;
}

const isRandom = (node: Node): boolean =>
  /^(Random|Multinomial|Bernoulli)/.test(node.opType) || subgraphs(node).some((graph) => graph.nodes.some(isRandom));

const bytesOf = (value: { readonly dtype: DType; readonly dims: readonly number[] } | undefined) =>
  value === undefined || value.dtype === "string" ? 0 : byteCount(value.dtype, value.dims);
