// Weight gradient by a Conv in which the batch takes the place of the channels, and strides and dilations change places.
// For depthwise convolutions it is one grouped Conv, where a product would have one row.

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";

/** Depthwise with one filter a channel (groups = channels = filters). Gives [C, 1, ...kernel]. */
export function weightByGroupedConv(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const swapped = [1, 0, ...c.input.map((_, axis) => axis + 2)];
  const inside = [...c.begins, ...c.ends].every((pad) => pad >= 0);
  const x = inside ? names.x : emit.pad(names.x, [0, 0, ...c.begins, 0, 0, ...c.ends]);
  const size = emit.dims(x).slice(2);
  const image = emit.reshape(emit.transpose(x, swapped), [1, c.channels * c.batch, ...size]);
  const dw = emit.op("Conv", [image, emit.transpose(names.dy, swapped)], {
    dims: [1, c.channels, ...c.kernel],
    attributes: {
      group: c.channels,
      kernel_shape: c.output,
      strides: c.dilations,
      dilations: c.strides,
      pads: inside ? [...c.begins, ...c.ends] : [...c.begins, ...c.ends].map(() => 0),
    },
  });
  return emit.reshape(dw, [c.channels, 1, ...c.kernel]);
}
