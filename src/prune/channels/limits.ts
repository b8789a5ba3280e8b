// What the user lets go of each group: which groups at all, how many of their units at most, in what multiples; and of each
// group from which no more may go, why not.

import { info, type Note } from "../../base/note.js";
import type { Node } from "../../ir/model.js";
import { type Patterns, patterns } from "../../weights/patterns.js";
import { collectWeights, type Weight } from "../../weights/weights.js";
import type { Group, Grouping } from "../group/group.js";
import type { GroupStructure } from "../structures/structure.js";

export interface LimitOptions {
  readonly structure: GroupStructure;
  /** Layers whose channels all stay, by pattern. Their inputs may shrink. */
  readonly keep: readonly string[];
  /** Layers whose channels may go; none: all. */
  readonly only: readonly string[];
  /** Share of the channels that goes of layers by pattern; the last that matches a group holds. */
  readonly layers: Readonly<Record<string, number>>;
  /** Counts of channels are kept in multiples of this, where the group is not left as it is. "auto": by its size. */
  readonly roundTo: number | "auto";
  /** Largest share of a group's units that may go. */
  readonly maxRatio: number;
}

/** What may go of a group, in its own units. */
export interface Limit {
  readonly group: Group;
  readonly most: number;
  readonly multiple: number;
  /** As the user stated for the layer. */
  readonly ratio: number | undefined;
  /** Why no more than `most` may go; `node` where one is to blame. */
  readonly reason: string;
  readonly node: string | undefined;
}

/** Of every group, in graph order. Throws `invalid("pattern-unmatched" | "pattern-wrong")`. */
export function limitsOf(grouping: Grouping, options: LimitOptions, notes: Note[]): readonly Limit[] {
  const { model } = grouping;
  const named = namer(grouping);
  const keep = named(patterns(model, options.keep, 0, notes));
  const only = options.only.length === 0 ? () => true : named(patterns(model, options.only, 0, notes));
  const layers = Object.entries(options.layers).map(([pattern, ratio]) => ({
    pattern,
    ratio,
    matches: named(patterns(model, [pattern], 0, notes)),
  }));
  return grouping.groups.map((group) => {
    const stays = (reason: string, node?: string): Limit => ({
      group,
      most: 0,
      multiple: 1,
      ratio: undefined,
      reason,
      node,
    });
    if (group.obstacle) return stays(group.obstacle.reason, group.obstacle.node);
    if (!options.structure.includes(group)) return stays(`it is no ${options.structure.name}, but ${group.kind}`);
    if (keep(group)) return stays("the option keep names it");
    if (!only(group)) return stays("the option only does not name it");
    const matching = layers.filter(({ matches }) => matches(group));
    const stated = matching.at(-1);
    if (matching.length > 1) {
      const text = `${matching.map(({ pattern }) => `"${pattern}"`).join(" and ")} name layers of one group: ${stated!.ratio} holds for it.`;
      notes.push(info("layers-coupled", text, group.name));
    }
    if (stated?.ratio === 0) return stays(`the option layers says 0 for "${stated.pattern}"`);
    return { group, ...mostOf(group, options), ratio: stated?.ratio, node: undefined };
  });
}

/**
 * Blocked kernels of convolutions take 8 channels at once (AVX2), or 16 (AVX-512); layers whose counts do not fit run on others,
 * and leave the blocked layout. Measured on SqueezeNet with a quarter of the work gone: 1.0 of the time with multiples of 4, 0.7
 * with multiples of 8.
 */
const automatic = (channels: number): number => (channels >= 64 ? 16 : channels >= 16 ? 8 : 1);

/** A unit of 64 channels is a multiple of 8 by itself. */
function mostOf({ units, places }: Group, { roundTo, maxRatio }: LimitOptions) {
  const channels = Math.max(1, places.find(({ role }) => role === "output")?.perUnit ?? 1);
  const round = roundTo === "auto" ? automatic(units * channels) : roundTo;
  const multiple = round / greatestDivisor(round, channels);
  if (units <= multiple) {
    const reason =
      multiple === 1 ? "the last one must stay" : `it has ${units}, and counts are kept at multiples of ${multiple}`;
    return { multiple, most: 0, reason };
  }
  const byShare = units - Math.ceil((units - Math.floor(maxRatio * units + 1e-9)) / multiple) * multiple;
  const byCount = units - multiple;
  if (byShare < byCount)
    return { multiple, most: Math.max(0, byShare), reason: `no more than ${maxRatio} of it may go` };
  const reason = multiple === 1 ? "the last one must stay" : `counts are kept at multiples of ${multiple}`;
  return { multiple, most: byCount, reason };
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** A pattern names a group by the weights that make its channels, or by the nodes that use these. */
function namer({ model }: Grouping): (pattern: Patterns) => (group: Group) => boolean {
  const weights = new Map<string, Weight>();
  for (const weight of collectWeights(model, { functions: false })) weights.set(weight.name, weight);
  const users = usersOf(model.graph.nodes);
  return (pattern) => {
    const known = new Map<string, boolean>();
    return ({ places }) =>
      places.some(({ value, constant, role }) => {
        if (!constant || role === "input") return false;
        const before = known.get(value);
        if (before !== undefined) return before;
        const weight = weights.get(value);
        const matches =
          (weight !== undefined && pattern.weight(weight)) ||
          (users.get(value) ?? []).some((node) => pattern.node(node));
        known.set(value, matches);
        return matches;
      });
  };
}

/** Nodes by the values that they read. */
export function usersOf(nodes: readonly Node[]): ReadonlyMap<string, readonly Node[]> {
  const users = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of new Set(node.inputs)) {
      const list = users.get(name) ?? [];
      list.push(node);
      users.set(name, list);
    }
  }
  return users;
}
