// Scales and codes of the weight of an integer product, one channel after the other: symmetric, so that products need no
// correction; large enough for the int32 bias; and, where the target's kernel may saturate, so that it cannot.

import { roundHalfEven } from "../../kernels/numbers.js";
import { excess, type Order, withinPairs } from "./saturation.js";

export interface FitOptions {
  /** `absmax`: all weights; `mse`: the range of the least squared error; `percentile`: all but the outermost. */
  readonly range: "absmax" | "mse" | "percentile";
  /** Percent of a channel's weights within the range. */
  readonly percentile: number;
  /** How many narrower ranges `mse` tries. */
  readonly rangeSteps: number;
  /** The orders in which pairs may saturate; none: they cannot. */
  readonly orders: readonly Order[];
}

/** Codes are symmetric: -127 to 127. */
const TOP = 127;
/** Where all weights are zero, any scale serves them: this one leaves a bias many digits. */
const OF_ZEROS = 2 ** -16;
/** mse: the narrowest range that is tried, of the whole. */
const NARROWEST = 0.4;
/** Scales tried between that which clips pairs and that which need not. */
const WIDENINGS = 8;

/** One part with one scale: vectors along the sum, each a row of `length` numbers. */
export interface Part {
  readonly values: Float32Array;
  readonly length: number;
}

export interface Fit {
  readonly scale: number;
  /** The scale that an int32 bias asked for was larger than the weights'. */
  readonly raised: boolean;
  /** How much larger the scale is than the range asks for, so that nothing saturates; 1: no larger. */
  readonly widened: number;
  /** Codes that were drawn in so that nothing saturates. */
  readonly drawn: number;
}

/** `least`: the smallest scale that the bias allows. */
export function fit(part: Part, least: number, options: FitOptions): Fit {
  const { orders } = options;
  const wanted = rangeOf(part, options) / TOP;
  const base = Math.fround(wanted > 2 ** -120 ? wanted : OF_ZEROS);
  const floor = Math.fround(least);
  const raised = floor > base;
  const first = raised ? floor : base;
  const plain = coded(part, first, []);
  const over = Math.max(...rowsOf(part, plain.codes).map((row) => excess(row, orders)), 0);
  let best = { scale: first, ...plain, drawn: 0 };
  if (over > 1) {
    best = { scale: first, ...coded(part, first, orders) };
    for (let step = 1; step <= WIDENINGS; step++) {
      const scale = Math.fround(first * over ** (step / WIDENINGS));
      const tried = coded(part, scale, orders);
      if (tried.error < best.error) best = { scale, ...tried };
    }
  }
  return {
    scale: best.scale,
    raised,
    widened: best.scale / first,
    drawn: best.drawn,
  };
}

/** The codes at a scale that `fit` has found: the very ones it found. */
export const codesAt = (part: Part, scale: number, { orders }: FitOptions): ArrayLike<number> =>
  coded(part, scale, orders).codes;

/** The codes at a scale, and the sum of squared differences. */
function coded(part: Part, scale: number, orders: readonly Order[]) {
  const { values } = part;
  const codes = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    codes[i] = Math.max(-TOP, Math.min(TOP, roundHalfEven(Math.fround(values[i]! / scale))));
  }
  let drawn = 0;
  if (orders.length > 0) {
    const before = codes.slice();
    for (const row of rowsOf(part, codes)) withinPairs(row, orders);
    for (let i = 0; i < codes.length; i++) if (codes[i] !== before[i]) drawn++;
  }
  let error = 0;
  for (let i = 0; i < codes.length; i++) error += (codes[i]! * scale - values[i]!) ** 2;
  return { codes, error, drawn };
}

function rowsOf({ length }: Part, codes: Float64Array): Float64Array[] {
  const rows: Float64Array[] = [];
  for (let at = 0; at < codes.length; at += length) rows.push(codes.subarray(at, at + length));
  return rows;
}

/** The largest magnitude that the scale covers. */
function rangeOf(part: Part, options: FitOptions): number {
  const { values } = part;
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  if (most === 0) return 0;
  if (options.range === "percentile") {
    const sorted = Float32Array.from(values, Math.abs).sort();
    return sorted[Math.max(0, Math.ceil((options.percentile / 100) * sorted.length) - 1)]! || most;
  }
  if (options.range === "absmax") return most;
  let [best, least] = [most, coded(part, Math.fround(most / TOP), []).error];
  for (let step = 1; step <= options.rangeSteps; step++) {
    const range = most * (1 - ((1 - NARROWEST) * step) / options.rangeSteps);
    const { error } = coded(part, Math.fround(range / TOP), []);
    if (error < least) [best, least] = [range, error];
  }
  return best;
}
