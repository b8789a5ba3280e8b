// Scales that are searched for, one block at a time, over a copy of its values that stand one after the other.

import { nearestRuns } from "./encode-codes";
import { scaleOfSpan, storeScale } from "./encode-scales";
import { steps, tensorScale, zeroPoint } from "./encode-state";

// @ts-ignore: decorator
@inline const NAN: i32 = 0x7fc00000;

/** Copies `count` float32, `leap` bytes apart at `input`, to `output`; NaN for what is not finite and after them, to a vector. */
export function gather(input: usize, count: i32, leap: usize, output: usize): void {
  for (let i = 0; i < count; i++, input += leap, output += 4) {
    const value = load<f32>(input);
    store<f32>(output, value - value == 0 ? value : NaN);
  }
  for (let i = count; i & 3; i++, output += 4) store<i32>(output, NAN);
}

let sum: f64 = 0;
let found: i32 = 0;

/** Sum and number of magnitudes above a threshold among gathered values; four lanes of float64. */
function sumAbove(values: usize, count: i32, threshold: f32): void {
  let sum0 = f64x2.splat(0), sum1 = sum0;
  let counts = i32x4.splat(0);
  const above = f32x4.splat(threshold);
  for (let i = 0; i < count; i += 4, values += 16) {
    const magnitude = f32x4.abs(v128.load(values));
    const counted = f32x4.gt(magnitude, above);
    const taken = v128.and(magnitude, counted);
    counts = i32x4.sub(counts, counted);
    sum0 = f64x2.add(sum0, f64x2.promote_low_f32x4(taken));
    sum1 = f64x2.add(sum1, f64x2.promote_low_f32x4(i64x2.shuffle(taken, taken, 1, 0)));
  }
  sum = (f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1)) +
    (f64x2.extract_lane(sum1, 0) + f64x2.extract_lane(sum1, 1));
  found = i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1) +
    i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3);
}

/** Scaling by means. The five places as of `scaleOfSpan`. */
export function meanScale(
  values: usize, count: i32, rounds: i32, scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  sumAbove(values, count, -1);
  let scale: f32 = 0;
  if (found > 0) {
    const mean = <f32>(sum / <f64>found);
    if (steps < 2) scale = mean;
    else {
      let threshold = mean * <f32>0.7;
      for (let i = 0; i < rounds; i++) {
        sumAbove(values, count, threshold);
        if (found == 0) break;
        scale = <f32>(sum / <f64>found);
        const next = scale * <f32>0.5;
        if (next == threshold) break;
        threshold = next;
      }
    }
  }
  storeScale(scale / tensorScale, zeroPoint, scales, divisors, factors, zeros, points);
}

/**
 * Clips the range at `least` and `most` to the magnitude that `share` (0 to 1) of the gathered values does not exceed.
 * `scratch`: room for as many values.
 */
export function clipSpan(values: usize, count: i32, share: f64, scratch: usize, least: usize, most: usize): void {
  let known = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const value = load<f32>(values + (i << 2));
    if (value != value) continue;
    store<f32>(scratch + (<usize>known << 2), abs(value));
    known++;
  }
  if (known == 0) return;
  const rank = min(known, max(1, <i32>ceil<f64>(share * <f64>known)));
  const bound = ranked(scratch, known, rank - 1);
  if (bound == 0) return;
  store<f32>(least, max(load<f32>(least), -bound));
  store<f32>(most, min(load<f32>(most), bound));
}

/** The value that stands at `rank` (from 0) when sorted; leaves the values in another order. Hoare's FIND. */
function ranked(values: usize, count: i32, rank: i32): f32 {
  let left = 0;
  let right = count - 1;
  while (left < right) {
    const pivot = load<f32>(values + (<usize>rank << 2));
    let i = left;
    let j = right;
    while (i <= j) {
      while (load<f32>(values + (<usize>i << 2)) < pivot) i++;
      while (load<f32>(values + (<usize>j << 2)) > pivot) j--;
      if (i > j) break;
      const a = values + (<usize>i << 2);
      const b = values + (<usize>j << 2);
      const kept = load<f32>(a);
      store<f32>(a, load<f32>(b));
      store<f32>(b, kept);
      i++;
      j--;
    }
    if (j < rank) left = i;
    if (rank < i) right = j;
  }
  return load<f32>(values + (<usize>rank << 2));
}

/**
 * The best of `tries` shares (f32 at `ratios`) of the range from the value at `least` to that at `most`, by the squared error of the gathered
 * values, to nearest. `scratch`: room for their codes. The first of equally good ones.
 */
export function bestScale(
  values: usize, count: i32, least: usize, most: usize, ratios: usize, tries: i32, scratch: usize,
  scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  const smallest = load<f32>(least);
  const largest = load<f32>(most);
  let smallestError: f64 = Infinity;
  let best = 0;
  for (let i = 0; i < tries; i++) {
    const ratio = load<f32>(ratios + (<usize>i << 2));
    scaleOfSpan(smallest * ratio, largest * ratio, scales, divisors, factors, zeros, points);
    const error = nearestRuns(values, 1, count, 0, count, scratch, 0, divisors, factors, zeros);
    if (i > 0 && !(error < smallestError)) continue;
    best = i;
    smallestError = error;
  }
  const ratio = load<f32>(ratios + (<usize>best << 2));
  scaleOfSpan(smallest * ratio, largest * ratio, scales, divisors, factors, zeros, points);
}
