// The first kind of pass: extremes and moments of values, reduced inside the graph, one session for all of them.

import { adaptFeeds } from "../../engine/feeds.js";
import type { Shape } from "../../engine/observe.js";
import { withSession } from "../../engine/session.js";
import type { Model } from "../../ir/model.js";
import { type CalibrationData, ONE_THREAD } from "../../statistics/data.js";
import { readReductions, type Wanted, withReductions } from "../../statistics/reductions.js";
import type { StepContext } from "../../step/step.js";
import type { Tally } from "./tally.js";

/** Adds every sample to the tallies, which are of float values. How many samples there were. */
export async function observeExtremes(
  model: Model,
  tallies: ReadonlyMap<string, Tally>,
  shapes: ReadonlyMap<string, Shape>,
  data: CalibrationData,
  context: StepContext,
): Promise<number> {
  const wanted = [...tallies.keys()].map((name): Wanted => {
    const { dtype, dims } = shapes.get(name)!;
    return { name, dtype, rank: dims.length };
  });
  let samples = 0;
  await withSession(withReductions(model, wanted), context, ONE_THREAD, async (session) => {
    for await (const { feeds, id } of data.samples()) {
      const reduced = readReductions(wanted, await session.run(adaptFeeds(feeds, session.inputs)));
      for (const [at, { name }] of wanted.entries()) {
        const { count, min, max, mean, squares } = reduced[at]!;
        tallies.get(name)!.add(
          {
            count,
            min: min[0]!,
            max: max[0]!,
            sum: mean[0]! * count,
            squares: squares[0]!,
            // ReduceMin and ReduceMax pass over NaN, the mean does not. Of nothing all of them are anything.
            finite: count === 0 || Number.isFinite(min[0]! + max[0]! + mean[0]!),
          },
          id,
        );
      }
      samples++;
    }
  });
  return samples;
}
