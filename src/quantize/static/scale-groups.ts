// Values that must have one scale and zero point: before and after operators that only move numbers, and the branches of a
// Concat where nobody else reads them. Which value's range counts for each group.

import { type Bounds, UNBOUNDED } from "./activation-tail.js";
import type { GraphFacts } from "./graph-facts.js";
import { type Cluster, type Islands, takenBy } from "./islands.js";

export interface ScaleGroup {
  readonly values: readonly string[];
  /** Values whose ranges it must cover; the others hold the same numbers, or some of them. */
  readonly sources: readonly string[];
  readonly bounds: Bounds;
  /** By definition of the operator that makes it. */
  readonly range: readonly [low: number, high: number] | undefined;
}

/** By value. Groups come in the order of their first value in the graph. */
export function scaleGroups(quantized: readonly string[], islands: Islands, facts: GraphFacts) {
  const parent = new Map(quantized.map((name) => [name, name]));
  const root = (name: string): string => {
    const above = parent.get(name)!;
    if (above === name) return name;
    const top = root(above);
    parent.set(name, top);
    return top;
  };
  // The earlier value of the graph stands for the group.
  const order = new Map(quantized.map((name, at) => [name, at]));
  const join = (a: string, b: string) => {
    const [first, second] = [root(a), root(b)].sort((x, y) => order.get(x)! - order.get(y)!) as [string, string];
    parent.set(second, first);
  };
  /** Values whose numbers another value of the group holds. */
  const covered = new Set<string>();
  const bounded = new Map<string, Bounds>();
  for (const { tails, use } of islands.clusters.values()) {
    if (use.moves) continue;
    for (const { result, bounds } of tails) if (parent.has(result)) bounded.set(result, bounds);
  }
  for (const cluster of islands.clusters.values()) {
    if (!cluster.use.moves) continue;
    const [source] = takenBy(cluster, facts);
    for (const { result } of cluster.tails) {
      join(source!, result);
      covered.add(result);
    }
  }
  const boundsOf = (name: string): Bounds => bounded.get(sourceOf(name, islands, facts)) ?? UNBOUNDED;
  for (const cluster of islands.clusters.values()) {
    if (!cluster.use.gathers) continue;
    const branches = takenBy(cluster, facts);
    const [first = UNBOUNDED, ...rest] = branches.map(boundsOf);
    const alike = rest.every(({ low, high }) => low === first.low && high === first.high);
    // What the branches may hold and the whole may not, or the other way round, would cost one of them its Relu.
    const own = cluster.tails[0]!.bounds;
    const free = own === UNBOUNDED || (own.low === first.low && own.high === first.high);
    if (!alike || !free || branches.some((name) => fixedRange(name, islands, facts))) continue;
    for (const name of branches) {
      if (!readOnlyBy(name, cluster, islands, facts)) continue;
      join(name, cluster.tails[0]!.result);
      covered.add(name);
      covered.add(sourceOf(name, islands, facts));
    }
  }
  const members = new Map<string, string[]>();
  for (const name of quantized) {
    const top = root(name);
    members.set(top, [...(members.get(top) ?? []), name]);
  }
  const groups = new Map<string, ScaleGroup>();
  for (const values of members.values()) {
    const sources = values.filter((name) => !covered.has(name));
    const bounds = values.reduce<Bounds>((all, name) => {
      const own = bounded.get(name) ?? UNBOUNDED;
      return { low: Math.max(all.low, own.low), high: Math.min(all.high, own.high) };
    }, UNBOUNDED);
    const group = { values, sources, bounds, range: fixedRange(values[0]!, islands, facts) };
    for (const name of values) groups.set(name, group);
  }
  return groups as ReadonlyMap<string, ScaleGroup>;
}

/** The value before all operators that only move numbers. */
function sourceOf(name: string, islands: Islands, facts: GraphFacts): string {
  for (let at = name; ; ) {
    const maker = islands.makers.get(at);
    if (!maker?.use.moves) return at;
    at = takenBy(maker, facts)[0]!;
  }
}

const fixedRange = (name: string, islands: Islands, facts: GraphFacts) =>
  islands.makers.get(sourceOf(name, islands, facts))?.use.range;

/** Whether nobody but `reader` uses the numbers of a value, nor those that it was moved from. */
function readOnlyBy(name: string, reader: Cluster, islands: Islands, facts: GraphFacts): boolean {
  for (let [at, only] = [name, reader]; ; ) {
    if (facts.isOutput(at) || facts.consumers(at).some((node) => node !== only.node)) return false;
    const maker = islands.makers.get(at);
    if (!maker) return false;
    if (!maker.use.moves) return true;
    [at, only] = [takenBy(maker, facts)[0]!, maker];
  }
}
