// Counts in bins of equal width, and moments, plain reference. The width is a power of two and bin 0 begins at 0, so that
// two neighbours of a finer histogram are exactly one bin of the next: parts of any width add up, in any order.

import type { KernelJobs } from "./jobs.js";
import { floats } from "./numbers.js";

type Job = KernelJobs["uniform-bins"];

/** Bins on each side of 0: enough that 8 bits over a hundredth of the range still have steps wider than a bin. */
export const SIDE = 16384;
/** Narrower bins have no reciprocal in float32. */
const LEAST_EXPONENT = -126;

/** The narrowest width, as a power of two, for which SIDE bins hold a magnitude. */
export function exponentFor(magnitude: number): number {
  const bits = new Uint32Array(Float32Array.of(magnitude).buffer)[0]!;
  return Math.max((bits >>> 23) - 127 + 1 - Math.log2(SIDE), LEAST_EXPONENT);
}

export function uniformBins(bytes: Uint8Array, { from, rows, columns, exponent }: Job["options"]): Job["result"] {
  const values = floats(bytes, from).subarray(0, rows * columns);
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let nonFinite = 0;
  let zeros = 0;
  // Four sums, as four lanes: what is added to what is part of the meaning, because it rounds.
  const sums = new Float64Array(4);
  const squares = new Float64Array(4);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      nonFinite++;
      continue;
    }
    if (value === 0) zeros++;
    if (value < min) min = value;
    if (value > max) max = value;
    sums[i & 3]! += value;
    squares[i & 3]! += value * value;
  }
  const wide = Math.max(exponent ?? LEAST_EXPONENT, min > max ? LEAST_EXPONENT : exponentFor(Math.max(-min, max)));
  const counts = new Uint32Array(2 * SIDE);
  const inverse = 2 ** -wide;
  if (zeros + nonFinite < values.length) {
    for (const value of values) {
      if (value !== 0 && Number.isFinite(value)) counts[Math.floor(Math.fround(value * inverse)) + SIDE]!++;
    }
  }
  return {
    min: min + 0,
    max: max + 0,
    nonFinite,
    zeros,
    sum: total(sums),
    squares: total(squares),
    exponent: wide,
    ...trimmed(counts),
  };
}

export const total = (lanes: Float64Array) => lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!);

/** The counts from the first bin to the last that holds something; none: no counts. */
export function trimmed(counts: Uint32Array): { first: number; counts: Uint32Array } {
  let first = 0;
  let end = counts.length;
  while (first < end && counts[first] === 0) first++;
  while (end > first && counts[end - 1] === 0) end--;
  return { first: first === end ? 0 : first - SIDE, counts: counts.slice(first, end) };
}
