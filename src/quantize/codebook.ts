// Codebooks: the few numbers that stand nearest to all values of a weight, by weighted k-means over a histogram.

import type { KernelJobs } from "../kernels/jobs.js";

type Histogram = Pick<KernelJobs["histogram"]["result"], "counts" | "sums">;

/** Values that are exactly 0, from this share on, keep a level of their own: sparse weights must stay sparse. */
const ZERO_SHARE = 0.05;
/** Lloyd's iteration ends by itself; this bounds it. */
const STEPS = 200;
/** Up to so many points the best partition is computed; seeds of few points may lead to a poor one. */
const FEW = 512;

/**
 * `entries` levels (1 to 256, ascending, distinct; fewer where there are fewer distinct bins), float32, that minimise the
 * squared error over the histogram of a weight: weighted one-dimensional k-means over the means of the bins, by Lloyd's iteration (Lloyd,
 * "Least squares quantization in PCM", 1982) from levels spaced as is best for many of them, or, up to 512 bins, from the best
 * partition. Deterministic. Where a
 * twentieth or more of the values are 0, one level is exactly 0. A weight without finite values: one level, 0.
 */
export function codebookOf({ counts, sums }: Histogram, entries: number): Float32Array<ArrayBuffer> {
  const points = pointsOf(counts, sums);
  if (points.means.length === 0) return new Float32Array(1);
  if (points.means.length <= entries) return distinct(points.means);
  const { means, weights } = points;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const zero = means.indexOf(0);
  const pinned = zero >= 0 && weights[zero]! >= ZERO_SHARE * total;
  const before = prefix(means, weights);
  let levels = means.length <= FEW ? partitioned(means, weights, entries) : seeds(means, weights, entries);
  if (pinned) levels[nearestTo(levels, 0)] = 0;
  for (let step = 0; step < STEPS; step++) {
    const next = improved(levels, means, before, pinned);
    const same = next.every((level, i) => level === levels[i]);
    levels = next;
    if (same) break;
  }
  return distinct(levels);
}

interface Points {
  /** Ascending. */
  readonly means: Float64Array;
  readonly weights: Float64Array;
}

/** One point a bin: its mean. */
function pointsOf(counts: Float64Array, sums: Float64Array): Points {
  const means: number[] = [];
  const weights: number[] = [];
  const add = (mean: number, weight: number) => {
    if (weight === 0) return;
    if (means.length > 0 && means[means.length - 1] === mean) weights[weights.length - 1]! += weight;
    else {
      means.push(mean);
      weights.push(weight);
    }
  };
  // The first bin of each sign holds 0 and what is below 2^-133: all as 0, so that a share of zeros can be told.
  const mean = (bin: number) => ((bin & 0x7fff) === 0 ? 0 : sums[bin]! / counts[bin]!);
  // Negative bins ascend in magnitude.
  for (let bin = 0xffff; bin >= 0x8000; bin--) add(mean(bin), counts[bin]!);
  for (let bin = 0; bin < 0x8000; bin++) add(mean(bin), counts[bin]!);
  return { means: Float64Array.from(means), weights: Float64Array.from(weights) };
}

/**
 * Middles of parts of equal mass, where a point weighs as the cube root of its density would have it: the asymptotically best
 * spacing (Panter and Dite 1951), so that few steps follow. Points of a log-spaced histogram: density is weight / width.
 */
function seeds(means: Float64Array, weights: Float64Array, entries: number): Float64Array<ArrayBuffer> {
  const last = means.length - 1;
  const masses = Float64Array.from(means, (_, i) => {
    const width = (means[Math.min(i + 1, last)]! - means[Math.max(i - 1, 0)]!) / 2;
    return Math.cbrt(weights[i]!) * Math.cbrt(width) ** 2;
  });
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const levels = new Float64Array(entries);
  let at = 0;
  let below = 0;
  for (let i = 0; i < entries; i++) {
    const wanted = ((i + 0.5) / entries) * total;
    while (at < last && below + masses[at]! < wanted) below += masses[at++]!;
    // Points are taken once: there are more of them than entries.
    at = Math.min(Math.max(at, i), last - (entries - 1 - i));
    levels[i] = means[at]!;
    below += masses[at]!;
    at++;
  }
  return levels;
}

/** Means of the partition into runs with the least squared error, by dynamic programming (Bellman 1973). */
function partitioned(means: Float64Array, weights: Float64Array, entries: number): Float64Array<ArrayBuffer> {
  const count = means.length;
  const before = prefix(means, weights);
  const squares = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) squares[i + 1] = squares[i]! + weights[i]! * means[i]! ** 2;
  const mean = (from: number, to: number) =>
    (before.moment[to]! - before.moment[from]!) / (before.weight[to]! - before.weight[from]!);
  const cost = (from: number, to: number) =>
    Math.max(0, squares[to]! - squares[from]! - (before.moment[to]! - before.moment[from]!) * mean(from, to));
  // least[to]: of the first `to` points in as many runs as there are rounds so far; starts: where the last run begins.
  let least = Float64Array.from({ length: count + 1 }, (_, to) => (to === 0 ? Infinity : cost(0, to)));
  const starts: Int32Array[] = [];
  for (let runs = 1; runs < entries; runs++) {
    const next = new Float64Array(count + 1).fill(Infinity);
    const start = new Int32Array(count + 1);
    const already = least;
    // The best start does not fall as the end rises: halves of the ends need only look at their part of the starts.
    const halve = (low: number, high: number, first: number, last: number): void => {
      if (low > high) return;
      const to = (low + high) >> 1;
      for (let from = Math.max(first, runs); from <= Math.min(last, to - 1); from++) {
        const sum = already[from]! + cost(from, to);
        if (sum < next[to]!) {
          next[to] = sum;
          start[to] = from;
        }
      }
      halve(low, to - 1, first, start[to]!);
      halve(to + 1, high, start[to]!, last);
    };
    halve(runs + 1, count, runs, count);
    starts.push(start);
    least = next;
  }
  const levels = new Float64Array(entries);
  let end = count;
  for (let run = entries - 1; run >= 0; run--) {
    const from = run === 0 ? 0 : starts[run - 1]![end]!;
    levels[run] = mean(from, end);
    end = from;
  }
  return levels;
}

/** Sums of weights and of weighted means before each point, and after the last. */
function prefix(means: Float64Array, weights: Float64Array) {
  const weight = new Float64Array(means.length + 1);
  const moment = new Float64Array(means.length + 1);
  for (let i = 0; i < means.length; i++) {
    weight[i + 1] = weight[i]! + weights[i]!;
    moment[i + 1] = moment[i]! + weights[i]! * means[i]!;
  }
  return { weight, moment };
}

/** Each level moves to the mean of the points nearest to it; a level without points, and a pinned 0, stays. */
function improved(
  levels: Float64Array<ArrayBuffer>,
  means: Float64Array,
  before: ReturnType<typeof prefix>,
  pinned: boolean,
): Float64Array<ArrayBuffer> {
  const next = levels.slice();
  let from = 0;
  for (let i = 0; i < levels.length; i++) {
    const border = i + 1 < levels.length ? (levels[i]! + levels[i + 1]!) / 2 : Number.POSITIVE_INFINITY;
    const to = firstAbove(means, border, from);
    const weight = before.weight[to]! - before.weight[from]!;
    if (weight > 0 && !(pinned && levels[i] === 0)) next[i] = (before.moment[to]! - before.moment[from]!) / weight;
    from = to;
  }
  return next.sort();
}

function firstAbove(means: Float64Array, border: number, from: number): number {
  let low = from;
  let high = means.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (means[middle]! > border) high = middle;
    else low = middle + 1;
  }
  return low;
}

function nearestTo(levels: Float64Array, value: number): number {
  let best = 0;
  for (let i = 1; i < levels.length; i++) {
    if (Math.abs(levels[i]! - value) < Math.abs(levels[best]! - value)) best = i;
  }
  return best;
}

const distinct = (levels: Float64Array): Float32Array<ArrayBuffer> =>
  Float32Array.from(new Set(Float32Array.from(levels, (level) => level + 0)));
