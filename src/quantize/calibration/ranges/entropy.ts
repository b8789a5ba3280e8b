// The range whose codes tell most of how the numbers are spread: the least Kullback-Leibler divergence between the spread
// with what is clipped moved to the ends, and that which as many codes can express. As TensorRT does it: a magnitude is
// searched at which both signs are cut, zeros are left out (they are exact in every range).

import { coarser, type Histogram } from "../histogram.js";
import { defineCalibrationRange, type Range, type RangeOptions, type Statistics } from "./range.js";

export const entropy = defineCalibrationRange({
  name: "entropy",
  summary: "The range with the least Kullback-Leibler divergence between numbers and codes, as TensorRT calibrates",
  reference: "https://arxiv.org/abs/2004.09602",
  needs: "histogram",
  title: ({ levels }) => `entropy of ${levels} levels`,
  range: leastDivergence,
});

/** On either side of 0; TensorRT's. */
const BINS = 2048;
/** Bins from one magnitude tried to the next. */
const STRIDE = 8;
/** What a bin that the codes leave empty is given, of the bins that are not empty. */
const SMOOTHING = 1e-4;

function leastDivergence({ min, max, histogram }: Statistics, { levels }: RangeOptions): Range {
  if (histogram === undefined) return { low: min, high: max };
  const { width, first, counts } = coarser(histogram, BINS);
  const end = first + counts.length;
  const whole = Math.max(-first, end);
  let best = whole;
  let least = Number.POSITIVE_INFINITY;
  for (let reach = whole; reach > 0; reach -= STRIDE) {
    const from = Math.max(first, -reach);
    const to = Math.min(end, reach);
    // With a code for each bin, narrower ranges only clip.
    if (to - from < levels && reach < whole) break;
    const found = divergence(counts, from - first, to - first, levels);
    if (found < least) [best, least] = [reach, found];
  }
  return { low: Math.min(Math.max(min, -best * width), max), high: Math.max(Math.min(max, best * width), min) };
}

/** Of the bins [from, to), with all others at the ends, from as many codes as there are levels. Infinite: nothing is left. */
function divergence(counts: Histogram["counts"], from: number, to: number, levels: number): number {
  const size = to - from;
  if (size <= 0) return Number.POSITIVE_INFINITY;
  const given = counts.slice(from, to);
  for (let i = 0; i < from; i++) given[0]! += counts[i]!;
  for (let i = to; i < counts.length; i++) given[size - 1]! += counts[i]!;
  const coded = new Float64Array(size);
  const groups = Math.min(levels, size);
  for (let group = 0; group < groups; group++) {
    const begin = Math.ceil((group * size) / groups);
    const until = Math.ceil(((group + 1) * size) / groups);
    let sum = 0;
    let filled = 0;
    for (let i = begin; i < until; i++) {
      sum += counts[from + i]!;
      if (given[i]! > 0) filled++;
    }
    for (let i = begin; i < until; i++) if (given[i]! > 0) coded[i] = sum / filled;
  }
  return relativeEntropy(given, coded);
}

/** Sum of p log(p / q), each divided by its sum; where only q is 0 it gets a little of the others'. */
function relativeEntropy(given: Float64Array, coded: Float64Array): number {
  let [givenSum, codedSum, empty, filled] = [0, 0, 0, 0];
  for (let i = 0; i < given.length; i++) {
    if (given[i] === 0) continue;
    givenSum += given[i]!;
    codedSum += coded[i]!;
    if (coded[i] === 0) empty++;
    else filled++;
  }
  if (codedSum === 0) return Number.POSITIVE_INFINITY;
  const less = (SMOOTHING * empty) / filled;
  let sum = 0;
  for (let i = 0; i < given.length; i++) {
    if (given[i] === 0) continue;
    const p = given[i]! / givenSum;
    const q = coded[i] === 0 ? SMOOTHING / codedSum : Math.max(coded[i]! - less, SMOOTHING) / codedSum;
    sum += p * Math.log(p / q);
  }
  return sum;
}
