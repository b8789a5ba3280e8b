// Weight gradient by one product for each place of the window, dW[:, :, k] = dY [M, N O] X_k^T [N O, C], the batch folded into
// the sum: im2col without joining the columns, for layers with enough channels to fill a product.

import { product } from "../../ops/operator.js";
import type { Emitter } from "../emitter.js";
import { columns } from "./columns.js";
import type { Convolution } from "./geometry.js";

/** Any geometry. `x` [N, C, ...input], `dy` [N, M, ...output]: the gradient of w [M, C / groups, ...kernel]. */
export function weightByTaps(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const swapped = [1, 0, ...c.input.map((_, axis) => axis + 2)];
  const [filters, width, rows] = [c.filters / c.groups, c.channels / c.groups, c.batch * product(c.output)];
  const dy = emit.reshape(emit.transpose(names.dy, swapped), [c.groups, filters, rows]);
  const taps = columns(emit, c, emit.transpose(names.x, swapped)).map((column) => {
    const read = emit.reshape(column, [c.groups, width, rows]);
    return emit.reshape(emit.matmul(dy, emit.swap(read)), [c.filters, width, 1]);
  });
  return emit.reshape(emit.concat(taps, 2), [c.filters, width, ...c.kernel]);
}
