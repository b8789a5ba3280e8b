// Input gradient of a strided convolution by one Conv over the small output gradient: each of the s x s phases of the
// input is a filter bank of its own (Shi et al. 2016, "sub-pixel convolution"), put in place by moving phases to space.
// No product with an inserted zero.

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";

/** Dilation 1, one group. `w` [M, C, ...kernel], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputBySubpixel(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  const axes = c.input.map((_, axis) => axis);
  // With the filter shifted by `lead`, element i = q s + r is read from window q + shift - u by tap u s + r.
  const lead = c.begins.map((pad, axis) => (c.strides[axis]! - (pad % c.strides[axis]!)) % c.strides[axis]!);
  const shift = c.begins.map((pad, axis) => (pad + lead[axis]!) / c.strides[axis]!);
  const taps = c.kernel.map((size, axis) => Math.ceil((size + lead[axis]!) / c.strides[axis]!));
  const count = c.input.map((size, axis) => Math.ceil(size / c.strides[axis]!));
  const phases = c.strides.reduce((all, one) => all * one, 1);

  const tail = axes.map((axis) => taps[axis]! * c.strides[axis]! - c.kernel[axis]! - lead[axis]!);
  const wide = emit.pad(names.w, [0, 0, ...lead, 0, 0, ...tail]);
  // [M, C, u1, r1, u2, r2 ...] -> [r1, r2 ..., C, M, u1, u2 ...], u reversed.
  const split = emit.reshape(wide, [c.filters, c.channels, ...axes.flatMap((axis) => [taps[axis]!, c.strides[axis]!])]);
  const moved = emit.transpose(split, [...axes.map((axis) => 3 + 2 * axis), 1, 0, ...axes.map((axis) => 2 + 2 * axis)]);
  const each = taps.reduce((all, one) => all * one, 1);
  const rows = emit.reshape(moved, [phases * c.channels, c.filters, each]);
  const turned = each === 1 ? rows : emit.slice(rows, [2], [-1], [-each - 1], [-1]);
  const bank = emit.reshape(turned, [phases * c.channels, c.filters, ...taps]);

  const before = taps.map((size, axis) => size - 1 - shift[axis]!);
  const after = count.map((size, axis) => size + shift[axis]! - c.output[axis]!);
  const asPads = [...before, ...after].every((pad) => pad >= 0);
  const dy = asPads ? names.dy : emit.pad(names.dy, [0, 0, ...before, 0, 0, ...after]);
  const small = emit.op("Conv", [dy, bank], {
    dims: [c.batch, phases * c.channels, ...count],
    attributes: { kernel_shape: taps, pads: asPads ? [...before, ...after] : [...before, ...after].map(() => 0) },
  });
  return emit.slice(
    toSpace(emit, c, small, count),
    axes.map((axis) => axis + 2),
    axes.map(() => 0),
    [...c.input],
  );
}

/** [N, r1 r2 C, q1, q2 ...] -> [N, C, q1 r1, q2 r2 ...]. */
function toSpace(emit: Emitter, c: Convolution, x: string, count: readonly number[]): string {
  const dims = [c.batch, c.channels, ...count.map((size, axis) => size * c.strides[axis]!)];
  if (count.length === 2 && c.strides[0] === c.strides[1]) {
    return emit.op("DepthToSpace", [x], { dims, attributes: { blocksize: c.strides[0]!, mode: "DCR" } });
  }
  const rank = count.length;
  const split = emit.reshape(x, [c.batch, ...c.strides, c.channels, ...count]);
  const perm = [0, 1 + rank, ...count.flatMap((_, axis) => [2 + rank + axis, 1 + axis])];
  return emit.reshape(emit.transpose(split, perm), dims);
}
