// Which of the strategies computes a gradient of a convolution, by shape. The comments state what was measured.

import type { Emitter } from "../emitter.js";
import { type Convolution, isPointwise } from "./geometry.js";
import { inputByFlippedConv } from "./input-flipped-conv.js";
import { inputByProduct } from "./input-pointwise.js";
import { inputBySubpixel } from "./input-subpixel.js";
import { weightByGroupedConv } from "./weight-batch-as-channels.js";
import {
  fitsBlocks,
  fitsDepthwiseBlocks,
  weightByBlockedConv,
  weightByDepthwiseBlocks,
} from "./weight-blocked-conv.js";
import { weightByColumns } from "./weight-columns.js";
import { weightByProduct } from "./weight-pointwise.js";

const isDepthwise = (c: Convolution) => c.groups > 1 && c.groups === c.channels && c.groups === c.filters;

/** `x` [N, C, ...input], `dy` [N, M, ...output]: the gradient of w [M, C / groups, ...kernel]. */
export function weightGradient(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  if (isDepthwise(c)) {
    return fitsDepthwiseBlocks(c, emit.block)
      ? weightByDepthwiseBlocks(emit, c, names)
      : weightByGroupedConv(emit, c, names);
  }
  if (isPointwise(c)) return weightByProduct(emit, c, names);
  return fitsBlocks(c, emit.block) ? weightByBlockedConv(emit, c, names) : weightByColumns(emit, c, names);
}

/** `w` [M, C / groups, ...kernel], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputGradient(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  if (c.groups === 1 && isPointwise(c)) return inputByProduct(emit, c, names);
  const strided = c.strides.some((stride) => stride > 1);
  if (strided && c.groups === 1 && c.dilations.every((dilation) => dilation === 1)) {
    return inputBySubpixel(emit, c, names);
  }
  return inputByFlippedConv(emit, c, names);
}
