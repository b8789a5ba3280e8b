// What each position of the windows reads, as tensors (im2col by Slice).

import type { Emitter } from "../emitter.js";
import { positions, type Windows } from "./geometry.js";

/** `x` [a, b, ...input] with the padding that its windows need written out; what no window reads may be cut. */
function padded(emit: Emitter, windows: Windows, x: string, value = 0): string {
  return emit.pad(x, [0, 0, ...windows.begins, 0, 0, ...windows.ends], value);
}

/** For each position in the window, [a, b, ...output]: the elements that the windows read there. Padding is 0. */
export function columns(emit: Emitter, windows: Windows, x: string): string[] {
  const from = padded(emit, windows, x);
  const axes = windows.input.map((_, axis) => axis + 2);
  return positions(windows.kernel).map((position) => {
    const starts = position.map((k, axis) => k * windows.dilations[axis]!);
    const ends = starts.map((start, axis) => start + (windows.output[axis]! - 1) * windows.strides[axis]! + 1);
    return emit.slice(from, axes, starts, ends, [...windows.strides]);
  });
}
