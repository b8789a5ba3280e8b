// How the range that a scale covers is found: a narrow range makes fine steps, a wide one clips nothing.

import type { Method } from "../../base/registry.js";
import type { RangeSearch } from "../../kernels/jobs.js";

export interface RangeMethod extends Method {
  /** What the kernel is told. `percentile`: 50 .. 100; `rangeSteps`: ranges tried, at least 2. */
  kernel(options: { readonly percentile: number; readonly rangeSteps: number }): RangeSearch;
  /** The search of `fitted/` that finds scales instead, before the result is written; `kernel` then serves where it cannot. */
  readonly fitted?: "hqq" | "importance";
}

export const defineRange = (method: RangeMethod): RangeMethod => Object.freeze(method);
