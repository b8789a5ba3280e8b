// Weight gradient of a depthwise convolution as one product and sum per position of the window.

import type { Emitter } from "../emitter.js";
import { columns } from "./columns.js";
import type { Convolution } from "./geometry.js";

/** Depthwise with one filter a channel (groups = channels = filters). Gives [C, 1, ...kernel]. */
export function weightByShifts(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const axes = [0, ...c.input.map((_, axis) => axis + 2)];
  const taps = columns(emit, c, names.x).map((read) =>
    emit.reshape(emit.reduceSum(emit.mul(read, names.dy), axes, false), [c.channels, 1]),
  );
  return emit.reshape(emit.concat(taps, 1), [c.channels, 1, ...c.kernel]);
}
