// Zeros between the elements of an axis: what a step or stride larger than 1 makes of a gradient.

import type { Emitter } from "./emitter.js";

/**
 * Up to this size the last axis is spread by a product with a matrix of zeros and ones: 1.5 ms for [64, 16, 16, 16] by 2 and
 * 2, where Pad, which copies element by element there, takes 6.3.
 */
const PRODUCT_LIMIT = 64;

/** `step - 1` zeros after each element of `axis`: size `n` becomes `n * step`. */
export function apart(emit: Emitter, x: string, axis: number, step: number): string {
  if (step === 1) return x;
  const dims = emit.dims(x);
  const size = dims[axis]!;
  if (axis === dims.length - 1 && axis > 0 && size <= PRODUCT_LIMIT) {
    const selection = Array.from({ length: size * size * step }, (_, at) => {
      const row = Math.floor(at / (size * step));
      return at % (size * step) === row * step ? 1 : 0;
    });
    return emit.matmul(x, emit.floats([size, size * step], selection, emit.dtype(x)));
  }
  const pads = new Array<number>(2 * dims.length + 2).fill(0);
  pads[dims.length + 1 + axis + 1] = step - 1;
  return emit.reshape(emit.pad(emit.unsqueeze(x, axis + 1), pads), dims.with(axis, size * step));
}
