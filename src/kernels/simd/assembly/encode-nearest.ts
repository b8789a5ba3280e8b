// Codes of levels to nearest, one code a byte, with the squared error of what they stand for; sixteen values at a time.

import { first, missed } from "./encode-integers";
import {
  bounded, bytesAt, highBytes, highPairs, lowBytes, lowPairs, numbersAt, placeOf, placesOf, rounder, rounderShift, signed,
} from "./encode-levels";
import {
  FEW, FLOATS, kind, largestNumber, MANY, mantissa, names, signShift, smallestNormal,
} from "./encode-state";

/** Squared errors, in four lanes of float64. */
let error0: v128 = f64x2.splat(0);
let error1: v128 = f64x2.splat(0);

// @ts-ignore: decorator
@inline function takeError(): f64 {
  const sum = f64x2.add(error0, error1);
  error0 = f64x2.splat(0);
  error1 = f64x2.splat(0);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// @ts-ignore: decorator
@inline function squares(miss: v128): v128 {
  const two = f64x2.promote_low_f32x4(miss);
  return f64x2.mul(two, two);
}

// @ts-ignore: decorator
@inline function addErrors(a: v128, b: v128, c: v128, d: v128): void {
  const ab = f64x2.add(squares(a), squares(b));
  error0 = f64x2.add(error0, f64x2.add(ab, f64x2.add(squares(c), squares(d))));
  const more = f64x2.add(squares(upper(a)), squares(upper(b)));
  error1 = f64x2.add(error1, f64x2.add(more, f64x2.add(squares(upper(c)), squares(upper(d)))));
}

// @ts-ignore: decorator
@inline function upper(miss: v128): v128 {
  return i64x2.shuffle(miss, miss, 1, 0);
}

/** Quotients, 0 for NaN. */
// @ts-ignore: decorator
@inline function quotients(value: v128, divisor: v128): v128 {
  const ratio = f32x4.div(value, divisor);
  return v128.and(ratio, f32x4.eq(ratio, ratio));
}

// @ts-ignore: decorator
@inline function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** 16 codes, a byte each. */
// @ts-ignore: decorator
@inline function sixteen(grid: i32, a: v128, b: v128, c: v128, d: v128, divisor: v128, factor: v128): v128 {
  const p = quotients(a, divisor), q = quotients(b, divisor), r = quotients(c, divisor), s = quotients(d, divisor);
  if (grid == FLOATS) return floats(a, b, c, d, p, q, r, s, factor);
  if (grid == FEW) return few(a, b, c, d, p, q, r, s, factor);
  return narrow(many(a, p, factor), many(b, q, factor), many(c, r, factor), many(d, s, factor));
}

// @ts-ignore: decorator
@inline function floats(
  a: v128, b: v128, c: v128, d: v128, p: v128, q: v128, r: v128, s: v128, factor: v128,
): v128 {
  const limit = f32x4.splat(largestNumber), normal = f32x4.splat(smallestNormal), shift = rounderShift();
  const p0 = bounded(p, limit), q0 = bounded(q, limit), r0 = bounded(r, limit), s0 = bounded(s, limit);
  const p1 = rounder(p0, normal, shift), q1 = rounder(q0, normal, shift);
  const r1 = rounder(r0, normal, shift), s1 = rounder(s0, normal, shift);
  const p2 = f32x4.add(p0, p1), q2 = f32x4.add(q0, q1), r2 = f32x4.add(r0, r1), s2 = f32x4.add(s0, s1);
  addErrors(
    missed(a, signed(f32x4.sub(p2, p1), p), factor), missed(b, signed(f32x4.sub(q2, q1), q), factor),
    missed(c, signed(f32x4.sub(r2, r1), r), factor), missed(d, signed(f32x4.sub(s2, s1), s), factor),
  );
  const base = i32x4.add(normal, shift);
  return narrow(floatCode(p2, p1, p, base), floatCode(q2, q1, q, base), floatCode(r2, r1, r, base), floatCode(s2, s1, s, base));
}

/** The steps that the addition left in the low bits, and those of the exponent; the sign, but none for 0. */
// @ts-ignore: decorator
@inline function floatCode(sum: v128, power: v128, ratio: v128, base: v128): v128 {
  const binades = i32x4.shr_u(i32x4.sub(power, base), 23 - mantissa);
  const code = i32x4.add(i32x4.sub(sum, power), binades);
  const sign = v128.and(i32x4.shr_u(v128.and(ratio, i32x4.splat(0x80000000)), signShift), i32x4.gt_s(code, i32x4.splat(0)));
  return v128.or(code, sign);
}

// @ts-ignore: decorator
@inline function few(
  a: v128, b: v128, c: v128, d: v128, p: v128, q: v128, r: v128, s: v128, factor: v128,
): v128 {
  const places = placesOf(p, q, r, s);
  const byte0 = bytesAt(places, 0), byte1 = bytesAt(places, 16);
  const byte2 = bytesAt(places, 32), byte3 = bytesAt(places, 48);
  const low0 = lowBytes(byte0, byte1), low1 = highBytes(byte0, byte1);
  const high0 = lowBytes(byte2, byte3), high1 = highBytes(byte2, byte3);
  addErrors(
    missed(a, lowPairs(low0, high0), factor),
    missed(b, highPairs(low0, high0), factor),
    missed(c, lowPairs(low1, high1), factor),
    missed(d, highPairs(low1, high1), factor),
  );
  return i8x16.swizzle(v128.load(names), places);
}

// @ts-ignore: decorator
@inline function many(value: v128, ratio: v128, factor: v128): v128 {
  const a = placeOf(f32x4.extract_lane(ratio, 0), i32x4.extract_lane(ratio, 0));
  const b = placeOf(f32x4.extract_lane(ratio, 1), i32x4.extract_lane(ratio, 1));
  const c = placeOf(f32x4.extract_lane(ratio, 2), i32x4.extract_lane(ratio, 2));
  const d = placeOf(f32x4.extract_lane(ratio, 3), i32x4.extract_lane(ratio, 3));
  const miss = missed(value, numbersAt(a, b, c, d), factor);
  error0 = f64x2.add(error0, squares(miss));
  error1 = f64x2.add(error1, squares(upper(miss)));
  let code = i32x4.splat(load<u8>(names + a));
  code = i32x4.replace_lane(code, 1, load<u8>(names + b));
  code = i32x4.replace_lane(code, 2, load<u8>(names + c));
  return i32x4.replace_lane(code, 3, load<u8>(names + d));
}

/** As `encodeRuns`. */
export function nearestRuns(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, output: usize, width: usize,
  divisors: usize, factors: usize,
): f64 {
  // Each kind is compiled for itself.
  if (kind == FLOATS) return runs(FLOATS, input, rows, columns, stride, block, output, width, divisors, factors);
  if (kind == FEW) return runs(FEW, input, rows, columns, stride, block, output, width, divisors, factors);
  return runs(MANY, input, rows, columns, stride, block, output, width, divisors, factors);
}

// @ts-ignore: decorator
@inline function runs(
  grid: i32, input: usize, rows: i32, columns: i32, stride: usize, block: i32, output: usize, width: usize,
  divisors: usize, factors: usize,
): f64 {
  let error: f64 = 0;
  for (let row = 0; row < rows; row++, input += stride, output += width) {
    let at = input;
    let to = output;
    for (let column = 0; column < columns; column += block, divisors += 4, factors += 4) {
      const divisor = v128.load32_splat(divisors), factor = v128.load32_splat(factors);
      let left = min(block, columns - column);
      for (; left >= 16; left -= 16, to += 16, at += 64) {
        v128.store(
          to,
          sixteen(grid, v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48), divisor, factor));
      }
      if (left > 0) {
        let codes = sixteen(
          grid, first(v128.load(at), left), first(v128.load(at, 16), left - 4), first(v128.load(at, 32), left - 8),
          first(v128.load(at, 48), left - 12), divisor, factor);
        at += <usize>left << 2;
        for (; left > 0; left -= 4, codes = turned(codes)) {
          storeBytes(to, codes, left);
          to += <usize>min(left, 4);
        }
      }
      error += takeError();
    }
  }
  return error;
}

// @ts-ignore: decorator
@inline function turned(codes: v128): v128 {
  return i32x4.shuffle(codes, codes, 1, 2, 3, 0);
}

/** The first of four bytes, all if `count` is more. */
// @ts-ignore: decorator
@inline function storeBytes(to: usize, bytes: v128, count: i32): void {
  if (count >= 4) {
    v128.store32_lane(to, bytes, 0);
    return;
  }
  v128.store8_lane(to, bytes, 0);
  if (count > 1) v128.store8_lane(to, bytes, 1, 1);
  if (count > 2) v128.store8_lane(to, bytes, 2, 2);
}

/** As `encodeRows`. */
export function nearestRows(
  input: usize, rows: i32, columns: i32, stride: usize, output: usize, width: usize, divisors: usize, factors: usize,
): f64 {
  if (kind == FLOATS) return byColumn(FLOATS, input, rows, columns, stride, output, width, divisors, factors);
  if (kind == FEW) return byColumn(FEW, input, rows, columns, stride, output, width, divisors, factors);
  return byColumn(MANY, input, rows, columns, stride, output, width, divisors, factors);
}

// @ts-ignore: decorator
@inline function byColumn(
  grid: i32, input: usize, rows: i32, columns: i32, stride: usize, output: usize, width: usize,
  divisors: usize, factors: usize,
): f64 {
  let error: f64 = 0;
  for (let row = 0; row < rows; row += 4, input += stride << 2, output += width << 2) {
    const high = rows - row;
    for (let column = 0; column < columns; column += 4) {
      const place = <usize>column << 2;
      const wide = columns - column;
      const at = input + place;
      let a = v128.load(at);
      // Rows that are not there are read as the first.
      let b = v128.load(high > 1 ? at + stride : at);
      let c = v128.load(high > 2 ? at + stride * 2 : at);
      let d = v128.load(high > 3 ? at + stride * 3 : at);
      if (wide < 4 || high < 4) {
        a = first(a, wide);
        b = first(b, high > 1 ? wide : 0);
        c = first(c, high > 2 ? wide : 0);
        d = first(d, high > 3 ? wide : 0);
      }
      let codes = sixteen(grid, a, b, c, d, v128.load(divisors + place), v128.load(factors + place));
      let to = output + <usize>column;
      for (let i = min(high, 4); i > 0; i--, to += width, codes = turned(codes)) storeBytes(to, codes, wide);
    }
    error += takeError();
  }
  return error;
}
