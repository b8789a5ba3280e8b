// Which of its two neighbours a number between two codes becomes.

import type { Method } from "../../base/registry.js";
import type { Rounding } from "../../kernels/jobs.js";

export interface RoundingMethod extends Method {
  /** What the kernel is told of a whole weight. */
  kernel(options: { readonly seed: number }): Rounding;
  /** The method of `fitted/` that finds codes instead, before the result is written; `kernel` then serves where it cannot. */
  readonly fitted?: "gptq";
}

export const defineRounding = (method: RoundingMethod): RoundingMethod => Object.freeze(method);
