// Datasets: seeded, re-iterable streams of samples. One sample is one set of model inputs, with its label where there is one.

import type { Value } from "../tensor/value.js";
import type { AugmentInput } from "./augment/index.js";

/** Inputs for one run of the model, batch dimension included. */
export interface Sample {
  readonly feeds: Readonly<Record<string, Value>>;
  /** Class index, target number, class indices, or a target tensor; absent when unlabelled. */
  readonly label?: number | readonly number[] | Value;
  /** Stable within the dataset: file name or row. */
  readonly id: string;
}

export type Split = "calibrate" | "train" | "measure";

/** What an augmentation is drawn by, beside the place of the sample: the same numbers in a run that is resumed. */
export interface Draw {
  readonly seed: number;
  readonly epoch: number;
}

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
  /**
   * Sample `index` (0 to size - 1) of the order of `samples`; absent where samples only come one after another. With `draw`
   * the train part is augmented as the dataset says, by numbers that depend on (seed, epoch, index) only; `samples` and
   * the other parts never are.
   */
  sample?(index: number, draw?: Draw): Promise<Sample>;
  /**
   * The same data with these augmentations in place of its own. Throws `invalid("augment-unfit")` where they do not fit
   * what the data is, and what misspelt options throw.
   */
  augmented?(list: AugmentInput): Dataset;
  /** The part for a purpose; parts of one dataset never overlap. An explicit split in dataset.json wins. */
  split(part: Split): Dataset;
}
