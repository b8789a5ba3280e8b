// The range that leaves the least squared error: what is clipped against what is rounded. Both are integrals over the
// bins of the histogram, numbers of a bin taken as evenly spread over it.

import { coarser, type Histogram } from "../histogram.js";
import { defineCalibrationRange, type Range, type RangeOptions, type Statistics } from "./range.js";

export const mse = defineCalibrationRange({
  name: "mse",
  summary:
    "The range with the least mean squared error of what is clipped and what is rounded, for the number of codes",
  reference: "https://arxiv.org/abs/1810.05723",
  needs: "histogram",
  title: ({ levels, symmetric }) => `mse of ${levels} levels${symmetric ? ", symmetric" : ""}`,
  range: leastError,
});

/** Bins up to the magnitude that is tried. Finer ones do not move the result: beside a step, numbers are evenly spread. */
const BINS = 1024;
/** Magnitudes from the largest down to a 1024th of it are tried, eight to a factor of 2; then finer around the best. */
const OCTAVES = 10;
const COARSE = 2 ** (-1 / 8);
const FINE = 2 ** (1 / 64);
const AROUND = 8;

function leastError({ min, max, histogram }: Statistics, options: RangeOptions): Range {
  if (histogram === undefined) return { low: min, high: max };
  let error = errorOf(coarser(histogram, BINS), options);
  const limit = (magnitude: number): Range => ({
    low: Math.max(min, Math.min(-magnitude, max)),
    high: Math.min(max, Math.max(magnitude, min)),
  });
  let best = { low: min, high: max };
  let least = error(best);
  const attempt = (range: Range): void => {
    const found = error(range);
    if (found < least) [best, least] = [range, found];
  };
  const whole = Math.max(-min, max);
  for (let magnitude = whole * COARSE; magnitude > whole * 2 ** -OCTAVES; magnitude *= COARSE)
    attempt(limit(magnitude));
  // What is left of a range with outliers deserves as many bins.
  const part = whole / Math.max(-best.low, best.high);
  if (part >= 2) {
    error = errorOf(coarser(histogram, BINS * part), options);
    least = error(best);
  }
  // One end at a time, from where the last round ended: they decide the step together.
  for (let round = 0; round < 2; round++) {
    const { low, high } = best;
    for (let i = -AROUND; i <= AROUND && max > 0; i++)
      attempt({ low: best.low, high: Math.min(max, high * FINE ** i) });
    for (let i = -AROUND; i <= AROUND && min < 0; i++)
      attempt({ low: Math.max(min, low * FINE ** i), high: best.high });
  }
  return best;
}

/** Sum of squared errors of all numbers on the grid of a range, with 0 on the grid, as it will be. */
export function errorOf(
  { width, first, counts }: Histogram,
  { levels, symmetric }: Pick<RangeOptions, "levels" | "symmetric">,
) {
  return ({ low, high }: Range): number => {
    const [step, bottom, top] = gridOf(Math.min(low, 0), Math.max(high, 0), levels, symmetric);
    if (!(step > 0)) return Number.POSITIVE_INFINITY;
    let sum = 0;
    let edge = Number.NaN;
    let integral = 0;
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!;
      if (count === 0) continue;
      const begin = (first + i) * width;
      const end = begin + width;
      if (begin !== edge) integral = squaresUpTo(begin, step, bottom, top);
      const until = squaresUpTo(end, step, bottom, top);
      sum += count * (until - integral);
      edge = end;
      integral = until;
    }
    return sum / width;
  };
}

/** Step of the grid and its two ends: `levels` numbers, one of them 0. */
function gridOf(
  low: number,
  high: number,
  levels: number,
  symmetric: boolean,
): [step: number, bottom: number, top: number] {
  if (symmetric) {
    const most = Math.max(-low, high);
    return [(2 * most) / (levels - 2), -most, most];
  }
  const step = (high - low) / (levels - 1);
  const zero = Math.round(-low / step);
  return [step, -zero * step, (levels - 1 - zero) * step];
}

/** The integral of the squared error from 0 to a number (below 0: negative). */
function squaresUpTo(number: number, step: number, bottom: number, top: number): number {
  const inside = Math.min(Math.max(number, bottom), top);
  const place = inside / step;
  const nearest = Math.round(place);
  const off = place - nearest;
  const beyond = number - inside;
  return step ** 3 * (nearest / 12 + off ** 3 / 3) + beyond ** 3 / 3;
}
