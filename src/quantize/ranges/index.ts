// The ways to find the range that a scale covers.

import { registry } from "../../base/registry.js";
import { absmax } from "./absmax.js";
import { hqq } from "./hqq.js";
import { importance } from "./importance.js";
import { mse } from "./mse.js";
import { percentile } from "./percentile.js";
import type { RangeMethod } from "./range.js";

export type { RangeMethod } from "./range.js";

export const ranges = registry<RangeMethod>("range method", [absmax, mse, percentile, hqq, importance]);
