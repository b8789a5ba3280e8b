// Input gradient of a 1x1 convolution: dX_n = W^T dY_n, spread by zeros where the stride is larger than 1.

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";
import { insertZeros } from "./zero-insertion.js";

/** Kernel of one element, one group. `w` [M, C, 1 ...], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputByProduct(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  const places = c.output.reduce((all, one) => all * one, 1);
  const weights = emit.swap(emit.reshape(names.w, [c.filters, c.channels]));
  const flat = emit.matmul(weights, emit.reshape(names.dy, [c.batch, c.filters, places]));
  const small = emit.reshape(flat, [c.batch, c.channels, ...c.output]);
  // What padding took part in gets no gradient: negative counts cut it off.
  const before = c.begins.map((pad) => -pad);
  const after = c.ends.map((pad) => -pad);
  return insertZeros(emit, small, c.strides, { before, after });
}
