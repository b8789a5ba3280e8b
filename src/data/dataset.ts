// Datasets: seeded, re-iterable streams of samples. One sample is one set of model inputs, with its label where there is one.

import type { Value } from "../tensor/value.js";

/** Inputs for one run of the model, batch dimension included. */
export interface Sample {
  readonly feeds: Readonly<Record<string, Value>>;
  /** Class index, target number, class indices, or a target tensor; absent when unlabelled. */
  readonly label?: number | readonly number[] | Value;
  /** Stable within the dataset: file name or row. */
  readonly id: string;
}

export type Split = "calibrate" | "train" | "measure";

export interface Dataset {
  readonly name: string;
  /** Number of samples, when known without reading all. */
  readonly size: number | undefined;
  readonly labelled: boolean;
  /** Made by pare out of nothing: results on it prove numeric fidelity, not accuracy. Reports say so plainly. */
  readonly synthetic: boolean;
  /** The metric its labels are for, e.g. "top-1", "f1", "spearman", "mean-error", "perplexity". */
  readonly metric: string | undefined;
  /** In the same order at every call. */
  samples(options?: { readonly limit?: number; readonly signal?: AbortSignal }): AsyncIterable<Sample>;
  /** The part for a purpose; parts of one dataset never overlap. An explicit split in dataset.json wins. */
  split(part: Split): Dataset;
}
