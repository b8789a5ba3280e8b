// Which of the strategies computes a gradient of a convolution, by shape: chosen by measurement (2 cores, AVX2, ONNX Runtime
// 1.30; times are of one core).

import { product } from "../../ops/operator.js";
import type { Emitter } from "../emitter.js";
import { type Convolution, isPointwise } from "./geometry.js";
import { inputByFlippedConv } from "./input-flipped-conv.js";
import { inputByProduct } from "./input-pointwise.js";
import { inputByTransposedConv } from "./input-transposed-conv.js";
import {
  fitsBlocks,
  fitsDepthwiseBlocks,
  weightByBlockedConv,
  weightByDepthwiseBlocks,
} from "./weight-blocked-conv.js";
import { weightByColumns } from "./weight-columns.js";
import { weightByDiagonals } from "./weight-diagonals.js";
import { weightByProduct } from "./weight-pointwise.js";
import { weightByShifts } from "./weight-shifts.js";
import { weightByTaps } from "./weight-taps.js";

/** Wider than this, the products of rows multiply more than their speed makes good: 46 ms against 76 at 112 columns, 5 against 5
 * at 48, 14 against 6 at 5. A grouped Conv of the batch took 10 to 77 in all of them. */
const WIDE = 48;

/** From so many channels in a group on, a product for each tap is faster than one over joined columns: 11 ms against 19 for 16
 * channels of 32x32 at batch 64, 7 against 8 for 64 of 8x8; with 3 channels 5.4 against 3.6. */
const FULL = 16;

/** `x` [N, C, ...input], `dy` [N, M, ...output]: the gradient of w [M, C / groups, ...kernel]. */
export function weightGradient(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  if (c.groups > 1 && c.groups === c.channels && c.groups === c.filters) {
    if (fitsDepthwiseBlocks(c, emit.block)) return weightByDepthwiseBlocks(emit, c, names);
    return c.output.at(-1)! <= WIDE ? weightByDiagonals(emit, c, names) : weightByShifts(emit, c, names);
  }
  // In blocks these take 2.5 times as long (512 to 1000 channels).
  if (isPointwise(c)) return smallSum(c) ? weightByProduct(emit, c, names) : weightByColumns(emit, c, names);
  if (fitsBlocks(c, emit.block)) return weightByBlockedConv(emit, c, names);
  return c.channels / c.groups >= FULL ? weightByTaps(emit, c, names) : weightByColumns(emit, c, names);
}

/** Whether a weight gradient for each sample is smaller than the layer's input and output, which columns transpose. */
const smallSum = (c: Convolution) =>
  (c.channels * c.filters) / c.groups <= (c.channels + c.filters) * product(c.output);

/** `w` [M, C / groups, ...kernel], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputGradient(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  // Without strides a Conv, which is fastest, and stays in the runtime's blocked layout; 1x1 is a product there.
  if (c.strides.every((stride) => stride === 1)) return inputByFlippedConv(emit, c, names);
  // 2.4 ms against 3 (ConvTranspose) for 32 to 64 channels of 16x16; the zeros are inserted last, into few channels.
  if (c.groups === 1 && isPointwise(c)) return inputByProduct(emit, c, names);
  // 10 ms against 18 for a Conv over inserted zeros, 16 to 32 channels of 32x32; 14 against 204 for the first layer of SqueezeNet.
  return inputByTransposedConv(emit, c, names);
}
