// How the range of a value that runs through the model is found from what was observed of it.

import type { Method } from "../../../base/registry.js";
import type { Histogram } from "../histogram.js";

/** Of one value, over all samples. A sample is one run of the model. */
export interface Statistics {
  /** Smallest and largest number; `min <= max`, finite. */
  readonly min: number;
  readonly max: number;
  /** Over all elements of all samples, in float64. */
  readonly mean: number;
  readonly deviation: number;
  /** Smallest and largest number of each sample, in order; of evenly spaced samples where there are very many. */
  readonly lows: readonly number[];
  readonly highs: readonly number[];
  /** Exponential moving averages of the samples' extremes, in their order. */
  readonly moving: { readonly low: number; readonly high: number };
  /** Only for methods that need it; undefined where every number was 0. */
  readonly histogram: Histogram | undefined;
}

export interface RangeOptions {
  /** How many numbers the codes can tell apart: 256, 65536. */
  readonly levels: number;
  /** 0 stands in the middle of the codes. */
  readonly symmetric: boolean;
  readonly percentile: number;
  readonly sigmas: number;
  readonly momentum: number;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface CalibrationRange extends Method {
  /** Whether all values must be seen, to be counted in bins; else their extremes and moments do, which stay in the runtime. */
  readonly needs: "extremes" | "histogram";
  /** The method with what else decides its result: "percentile 99.99". */
  title(options: RangeOptions): string;
  /** Finite, `low <= high`, within [min, max] or nearly; need not hold 0. */
  range(statistics: Statistics, options: RangeOptions): Range;
}

export const defineCalibrationRange = (method: CalibrationRange): CalibrationRange => Object.freeze(method);
