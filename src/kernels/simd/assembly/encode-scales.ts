// Scales and zero points of blocks from their ranges. One after the other: a block has at least two values, mostly 16 or more.
// The formulas are explained in ../../encode-scale.ts.

import { divisor, format, low, scaling, steps, tensorScale, zeroPoint } from "./encode-state";
import { finite, higher, largestLane, lower, smallestLane } from "./vectors";

/**
 * Range of the finite values of each block along the columns of [rows, columns] float32, rows `stride` bytes apart: f32
 * at `least` and `most`; 0 and 0 where there is none.
 */
export function spansAlongColumns(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, least: usize, most: usize,
): void {
  for (let row = 0; row < rows; row++, input += stride) {
    let at = input;
    for (let column = 0; column < columns; column += block, least += 4, most += 4) {
      const count = min(block, columns - column);
      let low0 = f32x4.splat(Infinity), high0 = f32x4.splat(-Infinity);
      let low1 = low0, high1 = high0;
      const end = at + (<usize>count << 2);
      const whole = at + (<usize>(count & ~7) << 2);
      for (; at < whole; at += 32) {
        const a = finite(v128.load(at));
        const b = finite(v128.load(at, 16));
        low0 = lower(low0, a);
        high0 = higher(high0, a);
        low1 = lower(low1, b);
        high1 = higher(high1, b);
      }
      for (; at < end; at += 4) {
        const value = finite(v128.load32_splat(at));
        low0 = lower(low0, value);
        high0 = higher(high0, value);
      }
      storeSpan(least, most, smallestLane(lower(low0, low1)), largestLane(higher(high0, high1)));
    }
  }
}

// @ts-ignore: decorator
@inline function storeSpan(least: usize, most: usize, smallest: f32, largest: f32): void {
  const some = smallest <= largest;
  store<f32>(least, some ? smallest + 0 : 0);
  store<f32>(most, some ? largest + 0 : 0);
}

/** The same of one block down `rows` rows, for each of the columns. */
export function spansAlongRows(
  input: usize, rows: i32, columns: i32, stride: usize, least: usize, most: usize,
): void {
  const count = <usize>columns << 2;
  for (let at: usize = 0; at < count; at += 16) {
    v128.store(least + at, f32x4.splat(Infinity));
    v128.store(most + at, f32x4.splat(-Infinity));
  }
  let row = 0;
  for (; row + 4 <= rows; row += 4, input += stride << 2) {
    for (let at: usize = 0; at < count; at += 16) {
      const a = finite(v128.load(input + at));
      const b = finite(v128.load(input + at + stride));
      const c = finite(v128.load(input + at + stride * 2));
      const d = finite(v128.load(input + at + stride * 3));
      v128.store(least + at, lower(lower(lower(lower(v128.load(least + at), a), b), c), d));
      v128.store(most + at, higher(higher(higher(higher(v128.load(most + at), a), b), c), d));
    }
  }
  for (; row < rows; row++, input += stride) {
    for (let at: usize = 0; at < count; at += 16) {
      const value = finite(v128.load(input + at));
      v128.store(least + at, lower(v128.load(least + at), value));
      v128.store(most + at, higher(v128.load(most + at), value));
    }
  }
  for (let at: usize = 0; at < count; at += 4) {
    storeSpan(least + at, most + at, load<f32>(least + at), load<f32>(most + at));
  }
}

/**
 * What encoding needs for `count` blocks from their ranges: f32 scales as stored, divisors (Infinity for 0), factors and
 * zero points; u8 zero points.
 */
export function scalesOfSpans(
  count: i32, least: usize, most: usize, scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = i << 2;
    scaleOfSpan(
      load<f32>(least + at), load<f32>(most + at), scales + at, divisors + at, factors + at, zeros + at, points + i);
  }
}

/** One of them. */
export function scaleOfSpan(
  smallest: f32, largest: f32, scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  if (scaling != 2) {
    let wanted: f32;
    if (scaling == 0) wanted = (abs(largest) > abs(smallest) ? largest : smallest) / low;
    else wanted = max(abs(smallest), abs(largest)) / divisor;
    storeScale(wanted / tensorScale, zeroPoint, scales, divisors, factors, zeros, points);
    return;
  }
  const bottom = min<f32>(smallest, 0);
  const top = max<f32>(largest, 0);
  const width = top - bottom;
  // A range beyond float32 is divided before it is subtracted.
  const wanted = width < <f32>Infinity ? width / steps : top / steps - bottom / steps;
  const scale = stored(wanted / tensorScale);
  const factor = scale * tensorScale;
  let zero: f32 = 0;
  if (scale != 0) {
    const exact = min<f32>(0 - bottom / factor, steps);
    zero = floor<f32>(exact);
    if (exact - zero >= 0.5) zero += 1;
  }
  storeParts(scale, factor, zero, scales, divisors, factors, zeros, points);
}

/** A scale before it is stored, with its zero point. */
// @ts-ignore: decorator
@inline export function storeScale(
  exact: f32, zero: f32, scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  const scale = stored(exact);
  storeParts(scale, scale * tensorScale, zero, scales, divisors, factors, zeros, points);
}

// @ts-ignore: decorator
@inline function storeParts(
  scale: f32, factor: f32, zero: f32, scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  store<f32>(scales, scale);
  store<f32>(divisors, factor == 0 ? <f32>Infinity : factor);
  store<f32>(factors, factor);
  store<f32>(zeros, zero);
  store<u8>(points, <u8>zero);
}

/** The scale as its format has it, never -0. */
function stored(exact: f32): f32 {
  const scale = exact + 0;
  if (scale == 0 && format != 3) return scale;
  const bits = reinterpret<i32>(scale);
  const sign = bits & 0x80000000;
  const magnitude = bits & 0x7fffffff;
  if (format == 0) return reinterpret<f32>(min(magnitude, 0x7f7fffff) | sign);
  if (format == 1) {
    if (magnitude >= 0x477fe000) return reinterpret<f32>(0x477fe000 | sign);
    // Above 2^-14 ten bits of the mantissa stay; below, what stays are multiples of 2^-24.
    if (magnitude >= 0x38800000) return reinterpret<f32>((magnitude + 0x1fff) & ~0x1fff | sign);
    return copysign<f32>(ceil<f32>(abs(scale) * <f32>16777216.0) * <f32>(1.0 / 16777216.0), scale);
  }
  if (format == 2) return reinterpret<f32>(min((magnitude + 0x1fff) & ~0x1fff, 0x7f7fe000) | sign);
  if (format == 3) return reinterpret<f32>(max(min(magnitude, 0x7f000000) & 0x7f800000, 0x00400000));
  // Half to even: three bits of the mantissa from 2^-6 on, below it multiples of 2^-9.
  if (magnitude >= 0x3c800000) {
    return reinterpret<f32>(min((magnitude + 0x7ffff + (magnitude >> 20 & 1)) & ~0xfffff, 0x43e00000) | sign);
  }
  return copysign<f32>(max<f32>(nearest<f32>(abs(scale) * <f32>512.0), 1) * <f32>(1.0 / 512.0), scale);
}
