// Factors of channels from their magnitudes, one for all that are tied.

import type { GraphEditor } from "../../../ir/edit.js";
import { scaledFactor } from "./apply.js";
import type { Group } from "./groups.js";
import { numbersOf } from "./simulate.js";

/** The largest of the channels that are tied, for each of them. */
export function tied({ ties }: Group, magnitudes: Float64Array): Float64Array {
  const most = new Float64Array(magnitudes.length);
  for (const [at, value] of magnitudes.entries()) {
    const root = ties.root(at);
    most[root] = Math.max(most[root]!, value);
  }
  return most.map((_, at) => most[ties.root(at)]!);
}

/** Of each channel the largest magnitude of the weights that it meets. */
export async function weightMagnitudes(editor: GraphEditor, group: Group): Promise<Float64Array> {
  const { channels } = group;
  const most = new Float64Array(channels);
  for (const factor of group.factors) {
    const values = await numbersOf(scaledFactor(editor, factor, undefined));
    const outputs = values.length / channels;
    for (let at = 0; at < values.length; at++) {
      const channel = factor.along === "rows" ? Math.floor(at / outputs) : at % channels;
      const size = Math.abs(values[at]!);
      if (size > most[channel]!) most[channel] = size;
    }
  }
  return most;
}

/** No factor is further from the others than this: what is tiny on the calibration data need not be elsewhere. */
const WIDEST = 2 ** 12;

/**
 * activations^alpha / weights^beta, with a geometric mean of 1. Channels that are zero on either side have the factor 1:
 * nothing is known of them.
 */
export function powers(activations: Float64Array, weights: Float64Array, alpha: number, beta: number): Float64Array {
  const logs = activations.map((size, at) =>
    size > 0 && weights[at]! > 0 ? alpha * Math.log(size) - beta * Math.log(weights[at]!) : Number.NaN,
  );
  const known = logs.filter((log) => Number.isFinite(log));
  const mean = known.reduce((all, log) => all + log, 0) / Math.max(known.length, 1);
  const widest = Math.log(WIDEST);
  return logs.map((log) => (Number.isFinite(log) ? Math.exp(Math.max(-widest, Math.min(widest, log - mean))) : 1));
}
