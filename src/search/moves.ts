// Which layers to give back more precision, in which order: the most error taken away for what it costs comes first.

import { label, type Model, type Node } from "../ir/model.js";
import { weightsOf } from "../ops/index.js";
import type { Sensitivity } from "./sensitivity.js";

/** Layers that are given back together: a value is rounded as long as one of those that make or read it is. */
export interface Move {
  /** Labels of nodes, or names of weights. */
  readonly keep: readonly string[];
  /** Error over signal of the outputs that goes with it, by the errors that each part makes alone. */
  readonly gain: number;
  /** Bytes that its weights take in float. */
  readonly bytes: number;
  /** Its share of the model's multiply-accumulates, 0 where they are not known. */
  readonly work: number;
}

export interface Costs {
  readonly float: Model;
  /** Multiply-accumulates of nodes; empty where products stay float and so no time is given back. */
  readonly work: ReadonlyMap<Node, number>;
}

/** Moves that matter less than this part of what an even share would be come last, however cheap they are. */
const NEGLIGIBLE = 0.1;

/**
 * Greedy, by gain over cost, until nothing is rounded any more. Cost is the share of the model's float bytes plus the share
 * of its multiply-accumulates, plus a little, so that what costs nothing is still ranked by its gain.
 */
export function rankedMoves({ alone }: Pick<Sensitivity, "alone">, { float, work }: Costs): readonly Move[] {
  const bytes = floatBytes(float);
  const nodes = new Map(float.graph.nodes.map((node) => [label(node), node]));
  const allBytes = Math.max(1, sum(bytes.values()));
  const allWork = Math.max(1, sum(work.values()));
  const bytesOf = (names: readonly string[]) => sum(names.map((name) => bytes.get(name) ?? 0));
  const workOf = (names: readonly string[]) => sum(names.map((name) => work.get(nodes.get(name)!) ?? 0)) / allWork;
  const finite = [...alone].map(([one, { mean }]) => ({ keep: one.keep, noise: Math.min(mean, 1e6) }));
  const kept = new Set<string>();
  let left = finite;
  const moves: Move[] = [];
  while (left.length > 0) {
    const even = sum(left.map(({ noise }) => noise)) / left.length;
    const options = left.map(({ keep }): Move & { readonly worth: number } => {
      const names = keep.filter((name) => !kept.has(name));
      const then = (name: string) => kept.has(name) || names.includes(name);
      const gain = sum(left.map((other) => (other.keep.every(then) ? other.noise : 0)));
      const move = { keep: names, gain, bytes: bytesOf(names), work: workOf(names) };
      const worth = gain / (move.bytes / allBytes + move.work + 0.01);
      return { ...move, worth: gain < even * NEGLIGIBLE ? worth * 1e-9 : worth };
    });
    const { worth: _, ...best } = options.reduce((a, b) => (b.worth > a.worth ? b : a));
    moves.push(best);
    for (const name of best.keep) kept.add(name);
    left = left.filter(({ keep }) => !keep.every((name) => kept.has(name)));
  }
  return moves;
}

/** By label of the node that first uses a weight as such, and by the weight's own name. */
function floatBytes({ graph }: Model): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const counted = new Set<string>();
  for (const node of graph.nodes) {
    for (const { input } of weightsOf(node)) {
      const name = node.inputs[input]!;
      const weight = graph.initializers.get(name);
      if (weight === undefined || weight.sparse || counted.has(name)) continue;
      counted.add(name);
      found.set(label(node), (found.get(label(node)) ?? 0) + weight.data.byteLength);
      found.set(name, weight.data.byteLength);
    }
  }
  return found;
}

const sum = (values: Iterable<number>) => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};
