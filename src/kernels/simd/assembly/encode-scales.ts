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

/** What `fourScales` finds: scales as stored, what values are divided and numbers multiplied by, and zero points. */
export let factors4: v128 = f32x4.splat(0);
export let zeros4: v128 = f32x4.splat(0);
let scales4: v128 = f32x4.splat(0);

/**
 * What encoding needs for `count` blocks from their ranges: f32 scales as stored, divisors (Infinity for 0), factors and
 * zero points; u8 zero points. Written in fours. Scaling by means: the wanted scales stand at `most`.
 */
export function scalesOfSpans(
  count: i32, least: usize, most: usize, scales: usize, divisors: usize, factors: usize, zeros: usize, points: usize,
): void {
  for (let i: usize = 0; i < <usize>count; i += 4) {
    const at = i << 2;
    fourScales(v128.load(least + at), v128.load(most + at));
    v128.store(scales + at, scales4);
    const none = f32x4.eq(factors4, f32x4.splat(0));
    v128.store(divisors + at, v128.bitselect(f32x4.splat(Infinity), factors4, none));
    v128.store(factors + at, factors4);
    v128.store(zeros + at, zeros4);
    const pairs = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(zeros4), i32x4.splat(0));
    v128.store32_lane(points + i, i8x16.narrow_i16x8_u(pairs, pairs), 0);
  }
}

/** Scales of four blocks from the ends of their ranges. */
export function fourScales(smallest: v128, largest: v128): void {
  const ofTensor = f32x4.splat(tensorScale);
  if (scaling != 2) {
    let wanted = largest;
    if (scaling == 0) {
      const above = f32x4.gt(f32x4.abs(largest), f32x4.abs(smallest));
      wanted = f32x4.div(v128.bitselect(largest, smallest, above), f32x4.splat(low));
    } else if (scaling == 1) {
      wanted = f32x4.div(f32x4.max(f32x4.abs(smallest), f32x4.abs(largest)), f32x4.splat(divisor));
    }
    scales4 = stored(f32x4.div(wanted, ofTensor));
    factors4 = f32x4.mul(scales4, ofTensor);
    zeros4 = f32x4.splat(zeroPoint);
    return;
  }
  const bottom = f32x4.min(smallest, f32x4.splat(0));
  const top = f32x4.max(largest, f32x4.splat(0));
  const width = f32x4.sub(top, bottom);
  const all = f32x4.splat(steps);
  let wanted = f32x4.div(width, all);
  const beyond = f32x4.eq(width, f32x4.splat(Infinity));
  // A range beyond float32 is divided before it is subtracted.
  if (v128.any_true(beyond)) {
    wanted = v128.bitselect(f32x4.sub(f32x4.div(top, all), f32x4.div(bottom, all)), wanted, beyond);
  }
  scales4 = stored(f32x4.div(wanted, ofTensor));
  factors4 = f32x4.mul(scales4, ofTensor);
  const exact = f32x4.min(f32x4.sub(f32x4.splat(0), f32x4.div(bottom, factors4)), all);
  const down = f32x4.floor(exact);
  const up = v128.and(f32x4.ge(f32x4.sub(exact, down), f32x4.splat(0.5)), f32x4.splat(1));
  zeros4 = v128.and(f32x4.add(down, up), f32x4.ne(factors4, f32x4.splat(0)));
}

/** Scales as their format has them, never -0. */
// @ts-ignore: decorator
@inline function stored(exact: v128): v128 {
  const scale = f32x4.add(exact, f32x4.splat(0));
  const sign = v128.and(scale, i32x4.splat(0x80000000));
  const magnitude = v128.andnot(scale, i32x4.splat(0x80000000));
  if (format == 0) return v128.or(i32x4.min_s(magnitude, i32x4.splat(0x7f7fffff)), sign);
  if (format == 3) {
    const exponent = v128.and(i32x4.min_s(magnitude, i32x4.splat(0x7f000000)), i32x4.splat(0x7f800000));
    return i32x4.max_s(exponent, i32x4.splat(0x00400000));
  }
  const eleven = v128.and(i32x4.add(magnitude, i32x4.splat(0x1fff)), i32x4.splat(~0x1fff));
  if (format == 2) return v128.or(i32x4.min_s(eleven, i32x4.splat(0x7f7fe000)), sign);
  if (format == 1) {
    // Above 2^-14 ten bits of the mantissa stay; below, what stays are multiples of 2^-24.
    const many = f32x4.ceil(f32x4.mul(magnitude, f32x4.splat(16777216)));
    const small = i32x4.lt_s(magnitude, i32x4.splat(0x38800000));
    const found = v128.bitselect(f32x4.mul(many, f32x4.splat(1.0 / 16777216.0)), eleven, small);
    return v128.or(i32x4.min_s(found, i32x4.splat(0x477fe000)), sign);
  }
  // Half to even: three bits of the mantissa from 2^-6 on, below it multiples of 2^-9, of which 0 is only for 0.
  const odd = v128.and(i32x4.shr_u(magnitude, 20), i32x4.splat(1));
  const four = v128.and(i32x4.add(i32x4.add(magnitude, i32x4.splat(0x7ffff)), odd), i32x4.splat(~0xfffff));
  const many = f32x4.max(f32x4.nearest(f32x4.mul(magnitude, f32x4.splat(512))), f32x4.splat(1));
  const small = i32x4.lt_s(magnitude, i32x4.splat(0x3c800000));
  const found = v128.bitselect(f32x4.mul(many, f32x4.splat(1.0 / 512.0)), four, small);
  return v128.and(v128.or(i32x4.min_s(found, i32x4.splat(0x43e00000)), sign), f32x4.ne(scale, f32x4.splat(0)));
}
