// Integer codes rounded half to even, one code a byte, with the squared error of what they stand for.

import { steps } from "./encode-state";
import { ROUNDING_BITS } from "./vectors";

/** value - number * factor of the finite values, else 0. */
// @ts-ignore: decorator
@inline export function missed(value: v128, number: v128, factor: v128): v128 {
  const difference = f32x4.sub(value, value);
  return v128.and(f32x4.sub(value, f32x4.mul(number, factor)), f32x4.eq(difference, difference));
}

/** The first of four codes (all, if `count` is more), one a byte. */
// @ts-ignore: decorator
@inline export function storeFirst(to: usize, code: v128, count: i32): void {
  const pairs = i16x8.narrow_i32x4_s(code, code);
  const bytes = i8x16.narrow_i16x8_u(pairs, pairs);
  if (count >= 4) {
    v128.store32_lane(to, bytes, 0);
    return;
  }
  v128.store8_lane(to, bytes, 0);
  if (count > 1) v128.store8_lane(to, bytes, 1, 1);
  if (count > 2) v128.store8_lane(to, bytes, 2, 2);
}

/** NaN, which counts nowhere, in all but the first lanes. */
// @ts-ignore: decorator
@inline export function first(value: v128, count: usize): v128 {
  return v128.or(value, i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>count)));
}

/** The rounded quotients of four values, plus 1.5 x 2^23. `low` and `high` are less the zero point. */
// @ts-ignore: decorator
@inline function shifted(value: v128, divisor: v128, low: v128, high: v128): v128 {
  const ratio = f32x4.div(value, divisor);
  const number = v128.and(ratio, f32x4.eq(ratio, ratio));
  return f32x4.add(f32x4.pmin(f32x4.pmax(number, low), high), f32x4.splat(12582912));
}

/** The squares of two of four errors, in float64. */
// @ts-ignore: decorator
@inline function squares(miss: v128): v128 {
  const two = f64x2.promote_low_f32x4(miss);
  return f64x2.mul(two, two);
}

// @ts-ignore: decorator
@inline function upper(miss: v128): v128 {
  return i64x2.shuffle(miss, miss, 1, 0);
}

// @ts-ignore: decorator
@inline function total(sum0: v128, sum1: v128): f64 {
  return (f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1)) +
    (f64x2.extract_lane(sum1, 0) + f64x2.extract_lane(sum1, 1));
}

/** As `encodeRuns`. */
export function integerRuns(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize,
): f64 {
  const magic = f32x4.splat(12582912);
  let error: f64 = 0;
  for (let row = 0; row < rows; row++, input += stride, output += width) {
    let at = input;
    let to = output;
    for (let column = 0; column < columns; column += block) {
      const count = min(block, columns - column);
      const divisor = v128.load32_splat(divisors);
      const factor = v128.load32_splat(factors);
      const low = f32x4.neg(v128.load32_splat(zeros));
      const high = f32x4.add(low, f32x4.splat(steps));
      const bias = i32x4.add(i32x4.splat(ROUNDING_BITS), i32x4.trunc_sat_f32x4_s(low));
      divisors += 4;
      factors += 4;
      zeros += 4;
      // Four lanes of float64: index mod 4 of a run.
      let sum0 = f64x2.splat(0);
      let sum1 = sum0;
      const end = to + <usize>count;
      const whole = to + <usize>(count & ~15);
      for (; to < whole; to += 16, at += 64) {
        const x0 = v128.load(at), x1 = v128.load(at, 16), x2 = v128.load(at, 32), x3 = v128.load(at, 48);
        const a = shifted(x0, divisor, low, high);
        const b = shifted(x1, divisor, low, high);
        const c = shifted(x2, divisor, low, high);
        const d = shifted(x3, divisor, low, high);
        const ab = i16x8.narrow_i32x4_s(i32x4.sub(a, bias), i32x4.sub(b, bias));
        const cd = i16x8.narrow_i32x4_s(i32x4.sub(c, bias), i32x4.sub(d, bias));
        v128.store(to, i8x16.narrow_i16x8_u(ab, cd));
        const e = missed(x0, f32x4.sub(a, magic), factor);
        const f = missed(x1, f32x4.sub(b, magic), factor);
        const g = missed(x2, f32x4.sub(c, magic), factor);
        const h = missed(x3, f32x4.sub(d, magic), factor);
        sum0 = f64x2.add(f64x2.add(f64x2.add(f64x2.add(sum0, squares(e)), squares(f)), squares(g)), squares(h));
        sum1 = f64x2.add(
          f64x2.add(f64x2.add(f64x2.add(sum1, squares(upper(e))), squares(upper(f))), squares(upper(g))), squares(upper(h)));
      }
      for (; to < end; to += 4, at += 16) {
        const value = first(v128.load(at), end - to);
        const a = shifted(value, divisor, low, high);
        storeFirst(to, i32x4.sub(a, bias), <i32>(end - to));
        const miss = missed(value, f32x4.sub(a, magic), factor);
        sum0 = f64x2.add(sum0, squares(miss));
        sum1 = f64x2.add(sum1, squares(upper(miss)));
      }
      at -= (to - end) << 2;
      to = end;
      error += total(sum0, sum1);
    }
  }
  return error;
}

/** As `encodeRows`. Four rows at a time, so that what belongs to a column is read once for them. */
export function integerRows(
  input: usize, rows: i32, columns: i32, stride: usize, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize,
): f64 {
  let error: f64 = 0;
  for (let row = 0; row < rows; row += 4, input += stride << 2, output += width << 2) {
    error += fourRows(min(4, rows - row), input, columns, stride, output, width, divisors, factors, zeros);
  }
  return error;
}

function fourRows(
  rows: i32, input: usize, columns: i32, stride: usize, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize,
): f64 {
  const magic = f32x4.splat(12582912);
  const span = f32x4.splat(steps);
  let sum0 = f64x2.splat(0);
  let sum1 = sum0;
  const whole = columns & ~3;
  for (let column = 0; column < columns; column += 4) {
    const place = <usize>column << 2;
    const divisor = v128.load(divisors + place);
    const factor = v128.load(factors + place);
    const low = f32x4.neg(v128.load(zeros + place));
    const high = f32x4.add(low, span);
    const bias = i32x4.add(i32x4.splat(ROUNDING_BITS), i32x4.trunc_sat_f32x4_s(low));
    let at = input + place;
    let to = output + <usize>column;
    if (rows == 4 && column < whole) {
      const x0 = v128.load(at), x1 = v128.load(at + stride);
      const x2 = v128.load(at + stride * 2), x3 = v128.load(at + stride * 3);
      const a = shifted(x0, divisor, low, high);
      const b = shifted(x1, divisor, low, high);
      const c = shifted(x2, divisor, low, high);
      const d = shifted(x3, divisor, low, high);
      const ab = i16x8.narrow_i32x4_s(i32x4.sub(a, bias), i32x4.sub(b, bias));
      const cd = i16x8.narrow_i32x4_s(i32x4.sub(c, bias), i32x4.sub(d, bias));
      const bytes = i8x16.narrow_i16x8_u(ab, cd);
      v128.store32_lane(to, bytes, 0);
      v128.store32_lane(to + width, bytes, 1);
      v128.store32_lane(to + width * 2, bytes, 2);
      v128.store32_lane(to + width * 3, bytes, 3);
      const e = missed(x0, f32x4.sub(a, magic), factor);
      const f = missed(x1, f32x4.sub(b, magic), factor);
      const g = missed(x2, f32x4.sub(c, magic), factor);
      const h = missed(x3, f32x4.sub(d, magic), factor);
      sum0 = f64x2.add(sum0, f64x2.add(f64x2.add(squares(e), squares(f)), f64x2.add(squares(g), squares(h))));
      sum1 = f64x2.add(
        sum1, f64x2.add(f64x2.add(squares(upper(e)), squares(upper(f))), f64x2.add(squares(upper(g)), squares(upper(h)))));
      continue;
    }
    for (let row = 0; row < rows; row++, at += stride, to += width) {
      const value = first(v128.load(at), <usize>(columns - column));
      const a = shifted(value, divisor, low, high);
      storeFirst(to, i32x4.sub(a, bias), columns - column);
      const miss = missed(value, f32x4.sub(a, magic), factor);
      sum0 = f64x2.add(sum0, squares(miss));
      sum1 = f64x2.add(sum1, squares(upper(miss)));
    }
  }
  return total(sum0, sum1);
}
