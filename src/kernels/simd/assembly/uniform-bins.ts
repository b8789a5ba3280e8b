// Moments of float32 values, and counts in bins of equal width.

import { finite, higher, largestLane, lower, smallestLane, sumLanes } from "./vectors";

/**
 * Adds `count` values at `input` to f64[4] sums and f64[4] sums of squares at `moments` (lane i takes every fourth), to the
 * extremes f32 minimum and f32 maximum at `ends`, and to the counts after them: i32 zeros, i32 not finite. The caller gives
 * pieces whose lengths are multiples of 4, but for the last.
 */
export function moments(input: usize, count: i32, moments: usize, ends: usize): void {
  const zero = f32x4.splat(0);
  let low = f32x4.splat(load<f32>(ends));
  let high = f32x4.splat(load<f32>(ends, 4));
  let zeros = i32x4.splat(0);
  let numbers = i32x4.splat(0);
  let sum01 = v128.load(moments);
  let sum23 = v128.load(moments, 16);
  let square01 = v128.load(moments, 32);
  let square23 = v128.load(moments, 48);
  const whole = count & ~3;
  const end = input + (<usize>whole << 2);
  for (; input < end; input += 16) {
    const value = v128.load(input);
    const usable = finite(value);
    const real = f32x4.eq(usable, usable);
    low = lower(low, usable);
    high = higher(high, usable);
    zeros = i32x4.sub(zeros, f32x4.eq(value, zero));
    numbers = i32x4.sub(numbers, real);
    const number = v128.and(usable, real);
    const first = f64x2.promote_low_f32x4(number);
    const second = f64x2.promote_low_f32x4(i8x16.shuffle(number, number, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
    sum01 = f64x2.add(sum01, first);
    sum23 = f64x2.add(sum23, second);
    square01 = f64x2.add(square01, f64x2.mul(first, first));
    square23 = f64x2.add(square23, f64x2.mul(second, second));
  }
  v128.store(moments, sum01);
  v128.store(moments, sum23, 16);
  v128.store(moments, square01, 32);
  v128.store(moments, square23, 48);
  let least = smallestLane(low);
  let most = largestLane(high);
  let zeroCount = sumLanes(zeros);
  let numberCount = sumLanes(numbers);
  let lane = moments;
  for (let i = whole; i < count; i++, input += 4, lane += 8) {
    const value = load<f32>(input);
    zeroCount += i32(value == 0);
    if (value - value != 0) continue;
    numberCount++;
    if (value < least) least = value;
    if (value > most) most = value;
    store<f64>(lane, load<f64>(lane) + <f64>value);
    store<f64>(lane, load<f64>(lane, 32) + <f64>value * <f64>value, 32);
  }
  store<f32>(ends, least + 0);
  store<f32>(ends, most + 0, 4);
  store<i32>(ends, load<i32>(ends, 8) + zeroCount, 8);
  store<i32>(ends, load<i32>(ends, 12) + count - numberCount, 12);
}

/**
 * Adds `count` values at `input` to u32 counts: bin floor(value * inverse) + side of those that are finite and not 0, all of
 * which lie within 2 * side bins. The others go to four more bins after these, each lane to its own, so that a run of
 * zeros does not wait for itself.
 */
export function uniformBins(input: usize, count: i32, inverse: f32, side: i32, counts: usize): void {
  const zero = f32x4.splat(0);
  const factor = f32x4.splat(inverse);
  const middle = i32x4.splat(side);
  const spare = i32x4.add(i32x4.splat(side << 1), i32x4(0, 1, 2, 3));
  const whole = count & ~3;
  const end = input + (<usize>whole << 2);
  for (; input < end; input += 16) {
    const value = v128.load(input);
    const usable = finite(value);
    const counted = v128.andnot(f32x4.eq(usable, usable), f32x4.eq(value, zero));
    const bin = i32x4.add(i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.mul(value, factor))), middle);
    const at = v128.bitselect(bin, spare, counted);
    add(counts, i32x4.extract_lane(at, 0));
    add(counts, i32x4.extract_lane(at, 1));
    add(counts, i32x4.extract_lane(at, 2));
    add(counts, i32x4.extract_lane(at, 3));
  }
  for (let i = whole; i < count; i++, input += 4) {
    const value = load<f32>(input);
    if (value - value == 0 && value != 0) add(counts, <i32>floor(value * inverse) + side);
  }
}

// @ts-ignore: decorator
@inline function add(counts: usize, bin: i32): void {
  const at = counts + (<usize>bin << 2);
  store<u32>(at, load<u32>(at) + 1);
}
