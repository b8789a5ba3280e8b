// Elements spread apart by zeros: what a stride larger than 1 makes of a gradient.

import type { Emitter } from "../emitter.js";

/** x [a, b, ...sizes] -> [a, b, ...(size - 1) * stride + 1], and `more` zeros before and after each (negative: cut). */
export function insertZeros(
  emit: Emitter,
  x: string,
  strides: readonly number[],
  more: { readonly before: readonly number[]; readonly after: readonly number[] },
): string {
  const [a, b, ...sizes] = emit.dims(x);
  let spread = x;
  // Zeros that the last step of each axis adds beyond its element.
  let beyond = sizes.map(() => 0);
  if (strides.some((stride) => stride > 1)) {
    const apart = emit.reshape(x, [a!, b!, ...sizes.flatMap((size) => [size, 1])]);
    const after = [0, 0, ...strides.flatMap((stride) => [0, stride - 1])];
    const wide = emit.pad(apart, [...after.map(() => 0), ...after]);
    spread = emit.reshape(wide, [a!, b!, ...sizes.map((size, axis) => size * strides[axis]!)]);
    beyond = strides.map((stride) => stride - 1);
  }
  return emit.pad(spread, [0, 0, ...more.before, 0, 0, ...more.after.map((count, axis) => count - beyond[axis]!)]);
}
