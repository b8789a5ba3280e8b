// The accuracy metrics, and which one a dataset's labels are for.

import { registry } from "../../base/registry.js";
import type { Sample } from "../../data/dataset.js";
import { f1 } from "./f1.js";
import { meanError } from "./mean-error.js";
import type { AccuracyMetric, Outputs } from "./metric.js";
import { perplexity } from "./perplexity.js";
import { isValue } from "./scores.js";
import { spearman } from "./spearman.js";
import { top1 } from "./top-1.js";

export type { AccuracyMetric, AccuracyResult, AccuracyRun, Outputs } from "./metric.js";

export { scoredOutput } from "./scores.js";

export const accuracyMetrics = registry("accuracy metric", [perplexity, meanError, top1, f1, spearman]);

/**
 * The metric for labelled samples: the one that the dataset states, else the first that takes labels and outputs of
 * this form (next tokens: perplexity; class indices: top-1; other numbers: mean-error). Undefined without labels, or
 * when none fits. Throws `invalid("accuracy-metric-unknown")` for a stated one that does not exist.
 */
export function accuracyMetric(
  stated: string | undefined,
  outputs: Outputs,
  sample: Sample,
): AccuracyMetric | undefined {
  if (stated !== undefined) return accuracyMetrics.get(stated);
  if (sample.label === undefined) return undefined;
  return accuracyMetrics.list.find((metric) => metric.accepts(outputs, sample));
}

/** Whether a sample's label tells classes of the scored output: by the stated metric, else by being whole numbers. */
export function labelledByClass(stated: string | undefined, { label }: Sample): boolean {
  if (label === undefined) return false;
  if (stated !== undefined) return accuracyMetrics.get(stated).labelsAreClasses === true;
  return isValue(label) ? /^int/.test(label.dtype) : [label].flat().every((one) => Number.isInteger(one));
}
