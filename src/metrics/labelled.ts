// Accuracy: how right the outputs are by the data's labels, and how sure the difference from the reference is.

import type { AccuracyResult } from "./accuracy/index.js";
import { behaviours } from "./behaviour.js";
import { defineMetric } from "./metric.js";
import { pairedDifference } from "./paired.js";
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

/** Paired over the samples; where the value is e to their mean (perplexity), the interval of the mean is carried over. */
export function differenceOf(reference: AccuracyResult, result: AccuracyResult): Accuracy["difference"] {
  const [first, second] = [reference.perSample, result.perSample];
  if (first === undefined || second === undefined || first.length !== second.length || first.length < 2)
    return undefined;
  const { difference, low, high, samples } = pairedDifference(first, second);
  const mean = first.reduce((sum, each) => sum + each, 0) / first.length;
  const isMean = Math.abs(mean - reference.value) <= 1e-6 * Math.max(1, Math.abs(reference.value));
  const inValue = (change: number) => (isMean ? change : reference.value * Math.expm1(change));
  return { value: inValue(difference), low: inValue(low), high: inValue(high), samples };
}
