// Elements spread apart by zeros: what a stride larger than 1 makes of a gradient.

import { string } from "../../ir/attributes.js";
import type { Emitter } from "../emitter.js";

/** x [a, b, ...sizes] -> [a, b, ...(size - 1) * stride + 1], and `more` zeros before and after each (negative: cut). */
export function insertZeros(
  emit: Emitter,
  x: string,
  strides: readonly number[],
  more: { readonly before: readonly number[]; readonly after: readonly number[] },
): string {
  if (strides.every((stride) => stride === 1)) {
    return emit.pad(x, [0, 0, ...more.before, 0, 0, ...more.after]);
  }
  // Repeated, and all but the first of each taken to zero: 1 ms where Pad between the elements takes 5 (1 M elements).
  const sizes = emit.dims(x).slice(2);
  const firsts = sizes.map((size, axis) => {
    const stride = strides[axis]!;
    const marks = Array.from({ length: size * stride }, (_, index) => (index % stride === 0 ? 1 : 0));
    return emit.floats([size * stride, ...sizes.slice(axis + 1).map(() => 1)], marks, emit.dtype(x));
  });
  const mask = firsts.reduce((all, one) => emit.mul(all, one));
  const spread = emit.mul(repeat(emit, x, strides), mask);
  // Zeros that the last element of each axis has beyond itself.
  const after = more.after.map((count, axis) => count - (strides[axis]! - 1));
  return emit.pad(spread, [0, 0, ...more.before, 0, 0, ...after]);
}

/** x [a, b, ...sizes] -> [a, b, ...size * count], each element repeated. */
export function repeat(emit: Emitter, x: string, counts: readonly number[]): string {
  if (counts.every((count) => count === 1)) return x;
  const [a, b, ...sizes] = emit.dims(x);
  const scales = emit.floats([sizes.length + 2], [1, 1, ...counts]);
  return emit.op("Resize", [x, "", scales], {
    dims: [a!, b!, ...sizes.map((size, axis) => size * counts[axis]!)],
    attributes: {
      mode: string("nearest"),
      nearest_mode: string("floor"),
      coordinate_transformation_mode: string("asymmetric"),
    },
  });
}
