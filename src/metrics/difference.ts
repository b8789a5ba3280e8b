// Accuracy of two models on the same samples: the difference with its interval, by whatever the metric keeps of each sample.

import type { AccuracyResult } from "./accuracy/index.js";
import { pairedDifference, pairedPerplexity } from "./paired.js";
import type { Accuracy } from "./report.js";

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
