// What an accuracy metric is: it is fed the outputs of a model sample by sample and gives one number at the end.

import type { Method } from "../../base/registry.js";
import type { Sample } from "../../data/dataset.js";
import type { Value } from "../../tensor/value.js";

export type Outputs = Readonly<Record<string, Value>>;

export interface AccuracyResult {
  readonly value: number;
  /** Labelled items that were scored: images, rows, tokens. */
  readonly samples: number;
  /** Other numbers of the same run: `{ "top-5": 0.84 }`. */
  readonly extra?: Readonly<Record<string, number>>;
  /**
   * One number per scored item, in order, whose mean is `value` (perplexity: e to its mean). Two models on the same
   * samples are compared by these; absent where the metric is no mean over items.
   */
  readonly perSample?: readonly number[];
}

export interface AccuracyRun {
  /** Scores the rows of one run. Throws `invalid("metric-label")` or `invalid("metric-output")` when they do not fit. */
  add(outputs: Outputs, sample: Sample): void;
  result(): AccuracyResult;
}

export interface AccuracyMetric extends Method {
  readonly better: "higher" | "lower";
  /** Whether labels and outputs look as if this metric were meant; asked when the dataset does not say. */
  accepts(outputs: Outputs, sample: Sample): boolean;
  /** `output`: the output to score; default the one named logits, else the first of floating point. */
  start(options?: { readonly output?: string | undefined }): AccuracyRun;
}

export const defineAccuracy = (metric: AccuracyMetric): AccuracyMetric => metric;
