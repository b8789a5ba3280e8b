// What both directions of blockwise codes share: scales and zero points of four blocks at a time, one in each lane. The
// formulas are explained in ../../quantize-blocks.ts.
//
// Places in a short block are filled with NaN, which has no part in a range and whose code is the zero point: every block
// is then whole.

import { fromHalf, INFINITE, toHalf } from "./vectors";

// @ts-ignore: decorator
@inline export const NAN: i32 = 0x7fc00000;

/** Scales of four blocks from their ranges; see ../../quantize-blocks.ts for the formulas. */
// @ts-ignore: decorator
@inline export function scalesOf(least: v128, most: v128, bits: i32, symmetric: bool): v128 {
  const zero = f32x4.splat(0);
  // Without a finite value least is Infinity and most is -Infinity: both become 0.
  const some = f32x4.le(least, most);
  const low = v128.and(least, some);
  const high = v128.and(most, some);
  if (symmetric) {
    const extreme = v128.bitselect(high, low, f32x4.gt(f32x4.abs(high), f32x4.abs(low)));
    return f32x4.add(f32x4.div(extreme, f32x4.splat(bits == 4 ? -8 : -128)), zero);
  }
  const levels = f32x4.splat(bits == 4 ? 15 : 255);
  const bottom = f32x4.pmin(low, zero);
  const top = f32x4.pmax(high, zero);
  const width = f32x4.sub(top, bottom);
  const parts = f32x4.sub(f32x4.div(top, levels), f32x4.div(bottom, levels));
  return v128.bitselect(f32x4.div(width, levels), parts, f32x4.lt(width, i32x4.splat(INFINITE)));
}

// @ts-ignore: decorator
@inline export function zeroPointsOf(least: v128, scales: v128, bits: i32, symmetric: bool): v128 {
  if (symmetric) return i32x4.splat(bits == 4 ? 8 : 128);
  const zero = f32x4.splat(0);
  const levels = f32x4.splat(bits == 4 ? 15 : 255);
  const bottom = f32x4.pmin(least, zero);
  const exact = f32x4.pmin(f32x4.sub(zero, f32x4.div(bottom, scales)), levels);
  // Round half up: the floor, plus one where the fraction is a half or more (the difference is exact).
  const floor = f32x4.floor(exact);
  const rounded = f32x4.sub(floor, f32x4.convert_i32x4_s(f32x4.ge(f32x4.sub(exact, floor), f32x4.splat(0.5))));
  return v128.and(i32x4.trunc_sat_f32x4_s(rounded), f32x4.ne(scales, zero));
}

// @ts-ignore: decorator
@inline export function divisorsOf(scales: v128): v128 {
  return v128.bitselect(i32x4.splat(INFINITE), scales, f32x4.eq(scales, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline export function storedScales(scales: v128, half: bool): v128 {
  return half ? f32x4.add(fromHalf(toHalf(scales)), f32x4.splat(0)) : scales;
}

/** Copies `count` values and fills up with NaN to `room`. */
export function padded(scratch: usize, input: usize, count: i32, room: i32): void {
  memory.copy(scratch, input, <usize>count << 2);
  for (let i = count; i < room; i++) store<i32>(scratch + (<usize>i << 2), NAN);
}

/** A lane by an index that is not constant. */
// @ts-ignore: decorator
@inline export function lane<T>(value: v128, index: i32): T {
  if (index == 0) return v128.extract_lane<T>(value, 0);
  if (index == 1) return v128.extract_lane<T>(value, 1);
  if (index == 2) return v128.extract_lane<T>(value, 2);
  return v128.extract_lane<T>(value, 3);
}
