// Input gradient by a Conv of stride 1 with flipped filters over the output's gradient, spread by zeros where the forward
// stride is larger. Any geometry.

import type { Emitter } from "../emitter.js";
import { flipped } from "./flipped.js";
import { type Convolution, spanOf } from "./geometry.js";
import { insertZeros } from "./zero-insertion.js";

/** `w` [M, C / groups, ...kernel], `dy` [N, M, ...output]: the gradient of x [N, C, ...input]. */
export function inputByFlippedConv(emit: Emitter, c: Convolution, names: { w: string; dy: string }): string {
  const before = c.begins.map((pad, axis) => spanOf(c, axis) - 1 - pad);
  const after = c.ends.map((pad, axis) => spanOf(c, axis) - 1 - pad);
  // The Conv pads for itself where there is nothing to insert or cut.
  const asPads = [...before, ...after].every((pad) => pad >= 0) && c.strides.every((stride) => stride === 1);
  const dy = asPads ? names.dy : insertZeros(emit, names.dy, c.strides, { before, after });
  return emit.op("Conv", [dy, flipped(emit, c, names.w)], {
    dims: [c.batch, c.channels, ...c.input],
    attributes: {
      group: c.groups,
      kernel_shape: c.kernel,
      dilations: c.dilations,
      strides: c.strides.map(() => 1),
      pads: asPads ? [...before, ...after] : [...before, ...after].map(() => 0),
    },
  });
}
