// Weight gradient of a depthwise convolution by products of rows: for every place of the window along the other axes, one
// product X_rows^T dY_rows [C, W_in, W_out] with the batch folded into its sum; the taps of the last axis are sums along its
// diagonals. More multiplications than are needed, in a product, instead of few in many passes.

import type { Emitter } from "../emitter.js";
import { type Convolution, positions } from "./geometry.js";

/** Depthwise with one filter a channel (groups = channels = filters). Gives [C, 1, ...kernel]. */
export function weightByDiagonals(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const last = c.kernel.length - 1;
  const [width, count, taps] = [c.input[last]!, c.output[last]!, c.kernel[last]!];
  const swapped = [1, 0, ...c.input.map((_, axis) => axis + 2)];
  const lead = (pads: readonly number[]) => pads.map((pad, axis) => (axis === last ? 0 : pad));
  const rows = c.batch * c.output.slice(0, -1).reduce((all, one) => all * one, 1);
  const x = emit.pad(emit.transpose(names.x, swapped), [0, 0, ...lead(c.begins), 0, 0, ...lead(c.ends)]);
  const dy = emit.reshape(emit.transpose(names.dy, swapped), [c.channels, rows, count]);
  const axes = c.kernel.slice(0, -1).map((_, axis) => axis + 2);
  const products = positions(c.kernel.slice(0, -1)).map((position) => {
    const starts = position.map((k, axis) => k * c.dilations[axis]!);
    const ends = starts.map((start, axis) => start + (c.output[axis]! - 1) * c.strides[axis]! + 1);
    const read = emit.slice(x, axes, starts, ends, c.strides.slice(0, -1));
    const product = emit.matmul(emit.swap(emit.reshape(read, [c.channels, rows, width])), dy);
    return emit.reshape(product, [c.channels, 1, width * count]);
  });
  return emit.reshape(emit.matmul(emit.concat(products, 1), diagonals()), [c.channels, 1, ...c.kernel]);

  /** [W_in W_out, taps]: 1 where window o reads element i at tap k. */
  function diagonals(): string {
    const marks = new Array<number>(width * count * taps).fill(0);
    for (let k = 0; k < taps; k++) {
      for (let o = 0; o < count; o++) {
        const i = o * c.strides[last]! - c.begins[last]! + k * c.dilations[last]!;
        if (i >= 0 && i < width) marks[(i * count + o) * taps + k] = 1;
      }
    }
    return emit.floats([width * count, taps], marks, emit.dtype(names.x));
  }
}
