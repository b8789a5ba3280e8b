// Input gradient by ConvTranspose, which is what it is by definition.

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";

/** Any geometry. `w` [M, C / groups, ...kernel], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputByTransposedConv(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  const sides = [...c.begins, ...c.ends];
  const sizes = (pads: readonly number[]) =>
    c.input.map((size, axis) => {
      const end = axis + c.input.length;
      return size + sides[axis]! - pads[axis]! + sides[end]! - pads[end]!;
    });
  // The node cuts the padding off; elements that no window reads are added as zeros. Where nothing would be left between, as
  // every window reads padding alone, all is cut afterwards.
  const cut = sides.map((pad) => Math.max(0, pad));
  const pads = sizes(cut).every((size) => size > 0) ? cut : sides.map(() => 0);
  const inner = emit.op("ConvTranspose", [names.dy, names.w], {
    dims: [c.batch, c.channels, ...sizes(pads)],
    attributes: { group: c.groups, kernel_shape: c.kernel, strides: c.strides, dilations: c.dilations, pads },
  });
  const rest = sides.map((pad, side) => pads[side]! - pad);
  return emit.pad(inner, [0, 0, ...rest.slice(0, c.input.length), 0, 0, ...rest.slice(c.input.length)]);
}
