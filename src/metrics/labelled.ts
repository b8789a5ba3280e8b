// Accuracy: how right the outputs are by the data's labels, and how sure the difference from the reference is.

import { behaviours } from "./behaviour.js";
import { differenceOf } from "./difference.js";
import { defineMetric } from "./metric.js";
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
