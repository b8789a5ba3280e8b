// Scales that are searched for: the ranges of blocks are shrunk to the best of some shares of them, or replaced by means. The
// meaning is ../../encode-search.ts and ../../encode-mean.ts.

import { factors4, fourScales, zeros4 } from "./encode-scales";
import { loadLanes, storeLanes, takeColumns, takeRuns, WIDE } from "./encode-four";
import {
  bytesAt, highBytes, highPairs, lowBytes, lowerEnd, lowPairs, nearest, nearestShift, placesOf, upperEnd,
} from "./encode-levels";
import { fourMeans } from "./encode-mean";
import { FEW, FLOATS, INTEGERS, kind, MANY, scaling } from "./encode-state";

/** Shares of a range that are tried: f32. */
let ratios: usize = 0;
let tries: i32 = 0;
/** From one to the next that is tried first; then, if it is more than 1, come those beside the best. */
let leap: i32 = 1;

export function useRatios(at: usize, count: i32, stride: i32): void {
  ratios = at;
  tries = count;
  leap = stride;
}

/**
 * Changes the ranges at `least` and `most` (as of `spansAlongRows`) of blocks of `rows` values down each of the columns.
 * `scratch`: room for 16 blocks, or for all, in fours.
 */
export function searchAlongRows(
  input: usize, rows: i32, columns: i32, stride: usize, least: usize, most: usize, scratch: usize,
): void {
  const each = <usize>rows << 4;
  for (let column = 0; column < columns; column += WIDE) {
    const some = min(WIDE, columns - column);
    takeColumns(input + (<usize>column << 2), rows, some, stride, scratch);
    for (let i = 0, values = scratch; i < some; i += 4, values += each) {
      const at = <usize>(column + i) << 2;
      // What is written past the last column is never read.
      settle(values, rows, least, most, at, at + 4, at + 8, at + 12);
    }
  }
}

/** The same of blocks along the columns, as of `spansAlongColumns`. `scratch`: room for four blocks. */
export function searchAlongColumns(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, least: usize, most: usize, scratch: usize,
): void {
  const whole = columns / block;
  const short = columns - whole * block;
  const entries = <usize>(whole + i32(short > 0)) << 2;
  const step = <usize>block << 2;
  // Whole blocks first, then the short ones: four together are of one length.
  let a = input, b = input, c = input, d = input;
  let at0: usize = 0, at1: usize = 0, at2: usize = 0, at3: usize = 0;
  for (let pass = 0; pass < 2; pass++) {
    const count = pass == 0 ? block : short;
    const first = pass == 0 ? 0 : whole;
    const last = pass == 0 ? whole : whole + 1;
    if (count == 0 || first == last) continue;
    const total = rows * (last - first);
    let row = 0;
    let place = first;
    for (let done = 0; done < total; done += 4) {
      for (let lane = 0; lane < 4; lane++) {
        a = b;
        b = c;
        c = d;
        at0 = at1;
        at1 = at2;
        at2 = at3;
        // Lanes without a block repeat the last one.
        if (done + lane >= total) continue;
        d = input + <usize>row * stride + <usize>place * step;
        at3 = <usize>row * entries + (<usize>place << 2);
        if (++place < last) continue;
        place = first;
        row++;
      }
      takeRuns(a, b, c, d, count, scratch);
      settle(scratch, count, least, most, at0, at1, at2, at3);
    }
  }
}

function settle(values: usize, count: i32, least: usize, most: usize, a: usize, b: usize, c: usize, d: usize): void {
  const smallest = loadLanes(least + a, least + b, least + c, least + d);
  const largest = loadLanes(most + a, most + b, most + c, most + d);
  if (scaling == 3) {
    storeLanes(fourMeans(values, count, smallest, largest), most + a, most + b, most + c, most + d);
    return;
  }
  let best: v128;
  // Each kind is compiled for itself.
  if (kind == INTEGERS) best = bestRatios(INTEGERS, values, count, smallest, largest);
  else if (kind == FLOATS) best = bestRatios(FLOATS, values, count, smallest, largest);
  else if (kind == FEW) best = bestRatios(FEW, values, count, smallest, largest);
  else best = bestRatios(MANY, values, count, smallest, largest);
  storeLanes(f32x4.mul(smallest, best), least + a, least + b, least + c, least + d);
  storeLanes(f32x4.mul(largest, best), most + a, most + b, most + c, most + d);
}

/** How many positions pass before a look whether all four blocks are lost. */
// @ts-ignore: decorator
@inline const STRETCH: i32 = 128;

// @ts-ignore: decorator
@inline function bestRatios(grid: i32, values: usize, count: i32, smallest: v128, largest: v128): v128 {
  const shift = nearestShift(grid);
  let least = f32x4.splat(0);
  let best = i32x4.splat(0);
  let middle = best;
  let unit = f32x4.splat(0);
  const first = (tries + leap - 1) / leap;
  const looks = leap > 1 ? first + 2 : first;
  for (let i = 0; i < looks; i++) {
    if (i == first) middle = best;
    // Beyond the ends stands what has been tried: it is not better than itself.
    const index = i < first
      ? i32x4.splat(i * leap)
      : i32x4.min_s(
        i32x4.max_s(i32x4.add(middle, i32x4.splat(i == first ? -1 : 1)), i32x4.splat(0)), i32x4.splat(tries - 1));
    const ratio = ratiosAt(index);
    fourScales(f32x4.mul(smallest, ratio), f32x4.mul(largest, ratio));
    const reciprocal = f32x4.div(f32x4.splat(1), factors4);
    if (i == 0) unit = reciprocal;
    const share = f32x4.mul(factors4, unit);
    const weight = f32x4.mul(share, share);
    const low = lowerEnd(zeros4), high = upperEnd(zeros4);
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let error = sum0;
    let at = values;
    for (let left = count; left > 0; left -= STRETCH) {
      const some = min(left, STRETCH);
      for (const end = at + (<usize>(some & ~3) << 4); at < end; at += 64) {
        const a = f32x4.mul(v128.load(at), reciprocal), b = f32x4.mul(v128.load(at, 16), reciprocal);
        const c = f32x4.mul(v128.load(at, 32), reciprocal), d = f32x4.mul(v128.load(at, 48), reciprocal);
        let p: v128, q: v128, r: v128, s: v128;
        if (grid == FEW) {
          const places = placesOf(a, b, c, d);
          const low0 = lowBytes(bytesAt(places, 0), bytesAt(places, 16));
          const low1 = highBytes(bytesAt(places, 0), bytesAt(places, 16));
          const high0 = lowBytes(bytesAt(places, 32), bytesAt(places, 48));
          const high1 = highBytes(bytesAt(places, 32), bytesAt(places, 48));
          p = lowPairs(low0, high0);
          q = highPairs(low0, high0);
          r = lowPairs(low1, high1);
          s = highPairs(low1, high1);
        } else {
          p = nearest(grid, a, low, high, shift);
          q = nearest(grid, b, low, high, shift);
          r = nearest(grid, c, low, high, shift);
          s = nearest(grid, d, low, high, shift);
        }
        sum0 = f32x4.add(sum0, square(f32x4.sub(a, p)));
        sum1 = f32x4.add(sum1, square(f32x4.sub(b, q)));
        sum2 = f32x4.add(sum2, square(f32x4.sub(c, r)));
        sum3 = f32x4.add(sum3, square(f32x4.sub(d, s)));
      }
      // Only the end of a block is no four of positions.
      const rest = some & 3;
      if (rest > 0) sum0 = f32x4.add(sum0, missedBy(grid, v128.load(at), reciprocal, low, high, shift));
      if (rest > 1) sum1 = f32x4.add(sum1, missedBy(grid, v128.load(at, 16), reciprocal, low, high, shift));
      if (rest > 2) sum2 = f32x4.add(sum2, missedBy(grid, v128.load(at, 32), reciprocal, low, high, shift));
      error = f32x4.mul(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)), weight);
      // Sums only grow.
      if (i > 0 && !v128.any_true(f32x4.lt(error, least))) break;
    }
    const better = i == 0 ? i32x4.splat(-1) : f32x4.lt(error, least);
    least = v128.bitselect(error, least, better);
    best = v128.bitselect(index, best, better);
  }
  return ratiosAt(best);
}

// @ts-ignore: decorator
@inline function ratiosAt(index: v128): v128 {
  return loadLanes(
    ratios + (<usize>i32x4.extract_lane(index, 0) << 2), ratios + (<usize>i32x4.extract_lane(index, 1) << 2),
    ratios + (<usize>i32x4.extract_lane(index, 2) << 2), ratios + (<usize>i32x4.extract_lane(index, 3) << 2));
}

/** Of four values, the squared distances in steps of the grid to the nearest numbers. */
// @ts-ignore: decorator
@inline function missedBy(grid: i32, value: v128, reciprocal: v128, low: v128, high: v128, shift: v128): v128 {
  const ratio = f32x4.mul(value, reciprocal);
  return square(f32x4.sub(ratio, nearest(grid, ratio, low, high, shift)));
}

// @ts-ignore: decorator
@inline function square(miss: v128): v128 {
  return f32x4.mul(miss, miss);
}
