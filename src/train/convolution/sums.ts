// Sums per channel: the gradients of biases, scales and shifts.

import type { Emitter } from "../emitter.js";

/** x [N, C, ...] -> [C]. */
export function channelSums(emit: Emitter, x: string): string {
  const axes = [...emit.dims(x).keys()].filter((axis) => axis !== 1);
  return emit.reduceSum(x, axes, false);
}
