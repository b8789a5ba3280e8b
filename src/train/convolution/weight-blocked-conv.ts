// Weight gradient by a Conv in which the batch takes the place of the channels, strides and dilations change places, and the
// output's gradient is the filter. In ONNX Runtime's blocked layout it runs at the speed of the forward convolution; in the
// plain one at a quarter of that, so it is for graphs that are written in blocks (train/blocked).

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";

/** Whether a depthwise convolution's blocks fit. */
export const fitsDepthwiseBlocks = (c: Convolution, block: number): boolean =>
  block > 1 && c.kernel.length === 2 && c.channels % block === 0 && [...c.begins, ...c.ends].every((pad) => pad >= 0);

/**
 * Depthwise with one filter a channel: the same, with every channel of every sample as a channel of its own. In blocks neither
 * operand moves. `x` [N, C, ...input], `dy` [N, C, ...output]: the gradient of w [C, 1, ...kernel].
 */
export function weightByDepthwiseBlocks(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const planes = c.batch * c.channels;
  const dw = emit.op(
    "Conv",
    [emit.reshape(names.x, [1, planes, ...c.input]), emit.reshape(names.dy, [planes, 1, ...c.output])],
    {
      dims: [1, planes, ...c.kernel],
      attributes: {
        group: planes,
        kernel_shape: c.output,
        strides: c.dilations,
        dilations: c.strides,
        pads: [...c.begins, ...c.ends],
      },
    },
  );
  const sum = emit.reduceSum(emit.reshape(dw, [c.batch, c.channels, ...c.kernel]), [0], false);
  return emit.reshape(sum, [c.channels, 1, ...c.kernel]);
}

/** Whether blocks of `block` fit: 2-D, one group, and batch and filters multiples of it. */
export const fitsBlocks = (c: Convolution, block: number): boolean =>
  block > 1 && c.groups === 1 && c.kernel.length === 2 && c.batch % block === 0 && c.filters % block === 0;

/** `x` [N, C, ...input], `dy` [N, M, ...output]: the gradient of w [M, C, ...kernel]. */
export function weightByBlockedConv(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const swapped = [1, 0, 2, 3];
  // Padding inside the Conv would leave its fast path: most of its few outputs are at the border.
  const x = emit.pad(emit.transpose(names.x, swapped), [0, 0, ...c.begins, 0, 0, ...c.ends]);
  const dw = emit.op("Conv", [x, emit.transpose(names.dy, swapped)], {
    dims: [c.channels, c.filters, ...c.kernel],
    attributes: { kernel_shape: c.output, strides: c.dilations, dilations: c.strides, pads: [0, 0, 0, 0] },
  });
  return emit.transpose(dw, swapped);
}
