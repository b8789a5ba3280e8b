// The filters of the input gradient: turned around, their input and output channels exchanged.

import type { Emitter } from "../emitter.js";
import type { Convolution } from "./geometry.js";

/** w [M, C / groups, ...kernel] -> [C, M / groups, ...kernel], every spatial axis reversed. */
export function flipped(emit: Emitter, c: Convolution, w: string): string {
  const taps = c.kernel.reduce((all, one) => all * one, 1);
  const [filters, width] = [c.filters / c.groups, c.channels / c.groups];
  const rows = emit.reshape(w, [c.groups, filters, width, taps]);
  // All axes reversed at once is the flat order reversed.
  const turned = taps === 1 ? rows : emit.slice(rows, [3], [-1], [-taps - 1], [-1]);
  const exchanged =
    filters === 1 || width === 1
      ? emit.reshape(turned, [c.groups, width, filters, taps])
      : emit.transpose(turned, [0, 2, 1, 3]);
  return emit.reshape(exchanged, [c.channels, filters, ...c.kernel]);
}
