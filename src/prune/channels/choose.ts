// How many units of each group go, so that a goal is met as nearly as whole units allow: enough goes, and no unit more.

import { invalid } from "../../base/errors.js";
import type { Goal, Item, Scope, ScopeContext } from "../scopes/scope.js";
import type { Counts } from "./forecast.js";
import { legal } from "./items.js";
import type { Limit } from "./limits.js";

/** A group that takes part, as the scope sees it, with what it must know beyond. */
export interface Candidate {
  readonly item: Item;
  readonly limit: Limit;
  /** Units that are gone already. */
  readonly gone: number;
  /** Groups of one class are ranked among themselves. */
  readonly rank: string;
}

/** Counts for a share of what the goal's measure counts: not falling with the share. */
export type Chooser = (measure: Goal["measure"], share: number) => Promise<Counts>;

export function chooser(
  candidates: readonly Candidate[],
  scope: Scope,
  options: Readonly<Record<string, unknown>>,
  context: ScopeContext,
): Chooser {
  const classes = new Map<string, Candidate[]>();
  for (const candidate of candidates) classes.set(candidate.rank, [...(classes.get(candidate.rank) ?? []), candidate]);
  return async (measure, share) => {
    const counts = new Map<string, number>();
    for (const members of classes.values()) {
      const items = members.map(({ item }) => item);
      const chosen = await scope.choose(items, { measure, share }, options, context);
      for (const [at, { limit, gone }] of members.entries()) {
        counts.set(limit.group.name, legal(chosen[at]!, gone, limit));
      }
    }
    return counts;
  };
}

/** The largest counts there are: what no goal can pass. */
export const everything = (candidates: readonly Candidate[]): Counts =>
  new Map(candidates.map(({ limit, gone }) => [limit.group.name, legal(limit.most, gone, limit)]));

/** Halvings of the share: 2^-30 of it is less than a unit of any model. */
const HALVINGS = 30;

/**
 * Counts at which `left` is no more than `target`, with as little gone as possible: the scope's share is found by halving, then
 * the last step is taken unit by unit. Throws `invalid("goal-out-of-reach")`.
 */
export async function reach(
  candidates: readonly Candidate[],
  choose: Chooser,
  measure: "macs" | "bytes",
  left: (counts: Counts) => number,
  target: number,
): Promise<Counts> {
  const met = (counts: Counts) => left(counts) <= target * (1 + 1e-12);
  const nothing: Counts = new Map(candidates.map(({ limit, gone }) => [limit.group.name, gone]));
  if (met(nothing)) return nothing;
  const most = everything(candidates);
  if (!met(most)) {
    throw outOfReach(measure, target, left(most));
  }
  let low = { share: 0, counts: nothing };
  let high = { share: 1, counts: await choose(measure, 1) };
  // A scope may leave some that could go: the rest is taken unit by unit.
  if (!met(high.counts)) return fill(candidates, high.counts, most, met);
  for (let step = 0; step < HALVINGS && !same(low.counts, high.counts); step++) {
    const share = (low.share + high.share) / 2;
    const counts = await choose(measure, share);
    if (met(counts)) high = { share, counts };
    else low = { share, counts };
  }
  return fill(candidates, low.counts, high.counts, met);
}

export function outOfReach(measure: string, target: number, least: number) {
  const number = (value: number) =>
    measure === "latency" ? `${value.toFixed(3)} ms` : Math.round(value).toLocaleString("en");
  const unit = measure === "latency" ? "" : ` ${measure}`;
  return invalid("goal-out-of-reach", `So much cannot go: what must stay takes more than ${number(target)}${unit}.`, {
    expected: `${number(target)}${unit}`,
    found: `${number(least)}${unit} with all gone that may go`,
    hint: "`pare prune --dry-run` with a smaller goal says of every group why no more of it may go; --round-to, --keep, --layer and --max-ratio hold some back.",
  });
}

const same = (a: Counts, b: Counts) => [...a].every(([name, count]) => b.get(name) === count);

/** From one choice towards the other, group by group the one of which the smallest share is gone, until the goal is met. */
function fill(candidates: readonly Candidate[], from: Counts, to: Counts, met: (counts: Counts) => boolean): Counts {
  const counts = new Map(from);
  const open = candidates.filter(({ limit: { group } }) => from.get(group.name)! < to.get(group.name)!);
  while (!met(counts)) {
    const share = ({ limit: { group } }: Candidate) => counts.get(group.name)! / group.units;
    const rest = open.filter(({ limit: { group } }) => counts.get(group.name)! < to.get(group.name)!);
    if (rest.length === 0) return to;
    const next = rest.reduce((a, b) => (share(b) < share(a) ? b : a)).limit;
    const now = counts.get(next.group.name)!;
    const further = next.group.units - Math.floor((next.group.units - now - 1) / next.multiple) * next.multiple;
    counts.set(next.group.name, Math.min(further, to.get(next.group.name)!));
  }
  return counts;
}
