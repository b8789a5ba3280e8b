// Weight gradient by im2col and one product: dW [M, C K] = dY [M, N O] X_columns^T [N O, C K], the batch folded into the
// sum. Any kernel, stride, dilation, padding and number of groups.

import type { Emitter } from "../emitter.js";
import { columns } from "./columns.js";
import type { Convolution } from "./geometry.js";

/** Bytes of columns at a time: the batch is taken in blocks, so that memory stays bounded. */
const MAX_SCRATCH = 64 * 2 ** 20;

/** `x` [N, C, ...input], `dy` [N, M, ...output]: the gradient of w [M, C / groups, ...kernel]. */
export function weightByColumns(
  emit: Emitter,
  c: Convolution,
  names: { x: string; dy: string },
  scratch = MAX_SCRATCH,
): string {
  const size = (dims: readonly number[]) => dims.reduce((all, one) => all * one, 1);
  const places = size(c.output);
  const taps = size(c.kernel);
  const width = c.channels / c.groups;
  const perSample = 4 * taps * c.channels * places;
  const step = Math.max(1, Math.min(c.batch, Math.floor(scratch / perSample)));
  const swapped = [1, 0, ...c.input.map((_, axis) => axis + 2)];
  const x = emit.transpose(names.x, swapped);
  const dy = emit.transpose(names.dy, swapped);
  const parts: string[] = [];
  for (let from = 0; from < c.batch; from += step) {
    const to = Math.min(c.batch, from + step);
    const rows = (to - from) * places;
    const own = emit.reshape(emit.slice(dy, [1], [from], [to]), [c.groups, c.filters / c.groups, rows]);
    const read = columns(emit, c, emit.slice(x, [1], [from], [to]));
    const grouped = read.map((column) => emit.reshape(column, [c.groups, width, rows]));
    // [groups, taps * width, rows]
    parts.push(emit.matmul(own, emit.swap(emit.concat(grouped, 1))));
  }
  const sum = parts.reduce((all, part) => emit.add(all, part));
  const split = emit.reshape(sum, [c.filters, taps, width]);
  return emit.reshape(emit.transpose(split, [0, 2, 1]), [c.filters, width, ...c.kernel]);
}
