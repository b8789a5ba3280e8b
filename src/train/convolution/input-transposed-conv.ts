// Input gradient by ConvTranspose, which is what it is by definition.

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";

/** Any geometry. `w` [M, C / groups, ...kernel], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputByTransposedConv(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  const pads = [...c.begins, ...c.ends].map((pad) => Math.max(0, pad));
  const cut = (pad: number) => Math.max(0, -pad);
  const size = c.input.map((all, axis) => all - cut(c.begins[axis]!) - cut(c.ends[axis]!));
  const inner = emit.op("ConvTranspose", [names.dy, names.w], {
    dims: [c.batch, c.channels, ...size],
    attributes: { group: c.groups, kernel_shape: c.kernel, strides: c.strides, dilations: c.dilations, pads },
  });
  return emit.pad(inner, [0, 0, ...c.begins.map(cut), 0, 0, ...c.ends.map(cut)]);
}
