// The gradient of what the loss does not depend on, where an operator needs a tensor nevertheless.

import type { Emitter } from "../emitter.js";

/** Zeros of the element type of `like`. Stored as one number; the runtime spreads it. */
export const zeros = (emit: Emitter, dims: readonly number[], like: string): string =>
  emit.expand(emit.like(0, like), dims);
