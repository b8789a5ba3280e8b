// What calibration finds: the range of numbers that each observed value takes while the float model runs on data.

import type { Note } from "../../base/note.js";

/** Of one value of the model. All numbers are finite. */
export interface ValueRange {
  /** What the range method chose, or what the user wrote; `low <= high`. Not widened to hold 0. */
  readonly low: number;
  readonly high: number;
  /** Smallest and largest number observed over all samples. */
  readonly min: number;
  readonly max: number;
  /** Over all elements of all samples. */
  readonly mean: number;
  readonly deviation: number;
}

export interface Calibration {
  /** Content key of the float model that was run: its graph and its weights (see model-key.ts). */
  readonly model: string;
  /** Range method and its parameters as text: "percentile 99.99". */
  readonly range: string;
  readonly data: { readonly name: string; readonly synthetic: boolean; readonly samples: number };
  /** By name of the value; those that are no float tensor, or were empty in every sample, are missing (a Note says so). */
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly notes: readonly Note[];
}
