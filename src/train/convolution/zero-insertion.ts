// Elements spread apart by zeros: what a stride larger than 1 makes of a gradient.

import { apart } from "../apart.js";
import type { Emitter } from "../emitter.js";

/** x [a, b, ...sizes] -> [a, b, ...(size - 1) * stride + 1], and `more` zeros before and after each (negative: cut). */
export function insertZeros(
  emit: Emitter,
  x: string,
  strides: readonly number[],
  more: { readonly before: readonly number[]; readonly after: readonly number[] },
): string {
  // From the last axis on, whose neighbours are next to each other.
  const spread = strides.reduceRight((all, stride, axis) => apart(emit, all, axis + 2, stride), x);
  // Zeros that the last step of each axis adds beyond its element.
  const after = more.after.map((count, axis) => count - (strides[axis]! - 1));
  return emit.pad(spread, [0, 0, ...more.before, 0, 0, ...after]);
}
