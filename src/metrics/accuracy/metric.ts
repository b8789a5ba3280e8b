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
   * One number per scored item, in order, whose mean is `value`. Two models on the same samples are compared by these;
   * absent where the metric is no mean over items.
   */
  readonly perSample?: readonly number[];
  /**
   * Instead, where `value` is e to the mean loss over items that are not independent (perplexity): the mean loss of each
   * sample (a text, a window) and how many items it has, in order. These are what two models are compared by.
   */
  readonly perDocument?: { readonly loss: readonly number[]; readonly items: readonly number[] };
}

export interface AccuracyRun {
  /** Scores the rows of one run. Throws `invalid("metric-label")` or `invalid("metric-output")` when they do not fit. */
  add(outputs: Outputs, sample: Sample): void;
  result(): AccuracyResult;
}

export interface AccuracyMetric extends Method {
  readonly better: "higher" | "lower";
  /** Whether its labels are places along the last axis of the scored output: that output then holds classes. */
  readonly labelsAreClasses?: boolean;
  /** Whether labels and outputs look as if this metric were meant; asked when the dataset does not say. */
  accepts(outputs: Outputs, sample: Sample): boolean;
  /** `output`: the output to score; default the one named logits, else the first of floating point. */
  start(options?: { readonly output?: string | undefined }): AccuracyRun;
}

export const defineAccuracy = (metric: AccuracyMetric): AccuracyMetric => metric;
