// The ways to find the range of an activation from what was observed.

import { registry } from "../../../base/registry.js";
import { entropy } from "./entropy.js";
import { meanSigma } from "./mean-sigma.js";
import { median } from "./median.js";
import { minMax } from "./min-max.js";
import { movingAverage } from "./moving-average.js";
import { mse } from "./mse.js";
import { percentile } from "./percentile.js";
import type { CalibrationRange } from "./range.js";

export type { CalibrationRange, RangeOptions, Statistics } from "./range.js";

export const calibrationRanges = registry<CalibrationRange>("calibration range", [
  mse,
  minMax,
  movingAverage,
  percentile,
  entropy,
  median,
  meanSigma,
]);
