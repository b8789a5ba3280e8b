// A goal in time: no forecast tells how long a model takes, so cut models are timed beside the original.

import type { Context } from "../../base/context.js";
import type { Amount } from "./amount.js";
import { outOfReach } from "./choose.js";
import type { Counts } from "./forecast.js";
import type { Timing } from "./timing.js";

/** Trials at most: each is a cut and some dozen runs of both models; 2^-7 of the work is below what can be measured. */
const TRIALS = 8;

export interface TimeSearch {
  readonly amount: Amount;
  /** Shares of the multiply-accumulates: gone already, all that may go, and the first guess. */
  readonly from: number;
  readonly all: number;
  readonly guess: number;
  counts(share: number): Promise<Counts>;
  time(counts: Counts): Promise<Timing>;
}

/**
 * The smallest share of the multiply-accumulates, and the counts for it, whose cut is as fast as wanted: by halving between what
 * is too slow and what is not. Throws `invalid("goal-out-of-reach")` where even the most that may go is too slow.
 */
export async function searchTime(search: TimeSearch, context: Context): Promise<{ counts: Counts; share: number }> {
  const { amount, from, all } = search;
  let low = from;
  let high: { readonly share: number; readonly counts: Counts } | undefined;
  let guess = search.guess;
  for (let trial = 0; trial < TRIALS; trial++) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ task: "time cut models", done: trial, total: TRIALS });
    const share = Math.min(Math.max(guess, from), all);
    const counts = await search.counts(share);
    const { ms, ratio } = await search.time(counts);
    const target = "share" in amount ? 1 - amount.share : amount.left / ms;
    if (ratio <= target) high = { share, counts };
    else if (share >= all) throw outOfReach("latency", target * ms, ratio * ms);
    else low = share;
    if (high && high.share <= low) break;
    guess = high ? (low + high.share) / 2 : all;
  }
  return high!;
}
