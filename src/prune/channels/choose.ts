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

/** What of the original may go beyond the goal before another way is sought. */
const TOO_MUCH = 0.005;
/** Groups that are held back for it, one after the other. */
const HELD = 8;

/**
 * Counts at which `left` is no more than `target`, with as little gone as possible: the scope's share is found by halving, then
 * the last step is taken group by group. Where that step alone takes much too much (a group that runs through many layers), its
 * group is held back, and the others go a little further. Throws `invalid("goal-out-of-reach")`.
 */
export async function reach(
  candidates: readonly Candidate[],
  choose: Chooser,
  measure: "macs" | "bytes",
  left: (counts: Counts) => number,
  target: number,
): Promise<Counts> {
  const most = everything(candidates);
  if (left(most) > target * (1 + EXACT)) throw outOfReach(measure, target, left(most));
  const whole = left(new Map(candidates.map(({ limit }) => [limit.group.name, 0])));
  const held = new Map<string, number>();
  let best: { readonly counts: Counts; readonly left: number } | undefined;
  for (let tries = 0; tries <= HELD; tries++) {
    const within = async (share: number): Promise<Counts> =>
      new Map([...(await choose(measure, share))].map(([name, count]) => [name, held.get(name) ?? count]));
    const found = await nearest(candidates, within, (counts) => left(counts) <= target * (1 + EXACT));
    if (found === undefined) break;
    const reached = left(found.counts);
    if (best === undefined || reached > best.left) best = { counts: found.counts, left: reached };
    if (target - reached <= TOO_MUCH * whole || found.last === undefined) break;
    held.set(found.last.name, found.last.before);
  }
  // A scope may leave some that could go: the rest is taken group by group.
  return best?.counts ?? fill(candidates, await choose(measure, 1), most, (counts) => left(counts) <= target).counts;
}

/** Rounding of sums of large numbers. */
const EXACT = 1e-12;

interface Filled {
  readonly counts: Counts;
  /** The group of the last step, and its count before. */
  readonly last: { readonly name: string; readonly before: number } | undefined;
}

/** Undefined: not even the largest share meets the goal. */
async function nearest(
  candidates: readonly Candidate[],
  choose: (share: number) => Promise<Counts>,
  met: (counts: Counts) => boolean,
): Promise<Filled | undefined> {
  let low: Counts = new Map(candidates.map(({ limit, gone }) => [limit.group.name, gone]));
  if (met(low)) return { counts: low, last: undefined };
  let high = await choose(1);
  if (!met(high)) return undefined;
  let [from, to] = [0, 1];
  for (let step = 0; step < HALVINGS && !same(low, high); step++) {
    const share = (from + to) / 2;
    const counts = await choose(share);
    if (met(counts)) [to, high] = [share, counts];
    else [from, low] = [share, counts];
  }
  return fill(candidates, low, high, met);
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
function fill(candidates: readonly Candidate[], from: Counts, to: Counts, met: (counts: Counts) => boolean): Filled {
  const counts = new Map(from);
  let last: Filled["last"];
  while (!met(counts)) {
    const share = ({ limit: { group } }: Candidate) => counts.get(group.name)! / group.units;
    const rest = candidates.filter(({ limit: { group } }) => counts.get(group.name)! < to.get(group.name)!);
    if (rest.length === 0) return { counts: to, last };
    const { group, multiple } = rest.reduce((a, b) => (share(b) < share(a) ? b : a)).limit;
    const before = counts.get(group.name)!;
    const further = group.units - Math.floor((group.units - before - 1) / multiple) * multiple;
    counts.set(group.name, Math.min(further, to.get(group.name)!));
    last = { name: group.name, before };
  }
  return { counts, last };
}
