// Accuracy: how right the outputs are by the data's labels, and how sure the difference from the reference is.

import type { AccuracyResult } from "./accuracy/index.js";
import { behaviours } from "./behaviour.js";
import { defineMetric } from "./metric.js";
import { pairedDifference, pairedPerplexity } from "./paired.js";
import type { Accuracy } from "./report.js";

export const accuracy = defineMetric({
  name: "accuracy",
  summary: "the metric that the data's labels are for: top-1, F1, Spearman, mean error, perplexity",
  unit: "score",
  better: "higher",
  needs: "labels",
  value: (row) => row.accuracy?.value ?? null,
  async measure(subjects, context) {
    const found = await behaviours(subjects, context);
    const reference = found[0]?.accuracy?.result;
    return found.map(({ accuracy: own }, index) => {
      if (own === undefined) return { accuracy: null };
      const { metric, result } = own;
      const row: Accuracy = {
        metric: metric.name,
        value: result.value,
        samples: result.samples,
        better: metric.better,
      };
      if (result.extra !== undefined) row.others = { ...result.extra };
      const difference = index === 0 || reference === undefined ? undefined : differenceOf(reference, result);
      if (difference !== undefined) row.difference = difference;
      return { accuracy: row };
    });
  },
});

/** Paired over the samples, in the metric's own unit. Undefined where the metric is no mean, or with fewer than two. */
export function differenceOf(reference: AccuracyResult, result: AccuracyResult): Accuracy["difference"] {
  const found = paired(reference, result);
  return found && { value: found.difference, low: found.low, high: found.high, samples: found.samples };
}

function paired(reference: AccuracyResult, result: AccuracyResult) {
  const [before, after] = [reference.perDocument, result.perDocument];
  if (before && after) {
    return sameLength(before.loss, after.loss) ? pairedPerplexity(before, after) : undefined;
  }
  const [first, second] = [reference.perSample, result.perSample];
  return first && second && sameLength(first, second) ? pairedDifference(first, second) : undefined;
}

const sameLength = (first: readonly number[], second: readonly number[]) =>
  first.length === second.length && first.length >= 2;
