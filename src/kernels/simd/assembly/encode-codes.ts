// Codes of values whose scales are known, one code a byte, with the squared error of what they stand for: what is drawn. Codes to
// nearest have loops of their own.

import { first, integerRows, integerRuns, missed, storeFirst } from "./encode-integers";
import { numbersAt, placeOf } from "./encode-levels";
import { nearestRows, nearestRuns } from "./encode-nearest";
import { draw, INTEGERS, kind, names, numbers, steps, stochastic } from "./encode-state";

/** Squared errors, in four lanes of float64: index mod 4 of a run. */
let error0: v128 = f64x2.splat(0);
let error1: v128 = f64x2.splat(0);

// @ts-ignore: decorator
@inline function takeError(): f64 {
  const sum = (f64x2.extract_lane(error0, 0) + f64x2.extract_lane(error0, 1)) +
    (f64x2.extract_lane(error1, 0) + f64x2.extract_lane(error1, 1));
  error0 = f64x2.splat(0);
  error1 = f64x2.splat(0);
  return sum;
}

// @ts-ignore: decorator
@inline function addError(miss: v128): void {
  const a = f64x2.promote_low_f32x4(miss);
  const b = f64x2.promote_low_f32x4(i64x2.shuffle(miss, miss, 1, 0));
  error0 = f64x2.add(error0, f64x2.mul(a, a));
  error1 = f64x2.add(error1, f64x2.mul(b, b));
}

/** Codes of four values in i32 lanes. `index`: of the first of them in the weight. */
// @ts-ignore: decorator
@inline function four(
  ofLevels: bool, value: v128, divisor: v128, factor: v128, low: v128, high: v128, index: u64,
): v128 {
  const exact = f32x4.div(value, divisor);
  const known = f32x4.eq(exact, exact);
  return fourDrawn(ofLevels, value, v128.and(exact, known), known, factor, low, high, index);
}

/** The codes of four places, and the error of their numbers. */
// @ts-ignore: decorator
@inline function named(value: v128, factor: v128, a: i32, b: i32, c: i32, d: i32): v128 {
  addError(missed(value, numbersAt(a, b, c, d), factor));
  let code = i32x4.splat(load<u8>(names + a));
  code = i32x4.replace_lane(code, 1, load<u8>(names + b));
  code = i32x4.replace_lane(code, 2, load<u8>(names + c));
  return i32x4.replace_lane(code, 3, load<u8>(names + d));
}

function fourDrawn(
  ofLevels: bool, value: v128, ratio: v128, known: v128, factor: v128, low: v128, high: v128, index: u64,
): v128 {
  if (ofLevels) {
    const a = drawnPlace(f32x4.extract_lane(ratio, 0), i32x4.extract_lane(known, 0) != 0, index);
    const b = drawnPlace(f32x4.extract_lane(ratio, 1), i32x4.extract_lane(known, 1) != 0, index + 1);
    const c = drawnPlace(f32x4.extract_lane(ratio, 2), i32x4.extract_lane(known, 2) != 0, index + 2);
    const d = drawnPlace(f32x4.extract_lane(ratio, 3), i32x4.extract_lane(known, 3) != 0, index + 3);
    return named(value, factor, a, b, c, d);
  }
  const inside = f32x4.pmin(f32x4.pmax(ratio, low), high);
  const down = f32x4.floor(inside);
  let number = f32x4.splat(drawnInteger(f32x4.extract_lane(inside, 0), f32x4.extract_lane(down, 0), index));
  number = f32x4.replace_lane(
    number, 1, drawnInteger(f32x4.extract_lane(inside, 1), f32x4.extract_lane(down, 1), index + 1));
  number = f32x4.replace_lane(
    number, 2, drawnInteger(f32x4.extract_lane(inside, 2), f32x4.extract_lane(down, 2), index + 2));
  number = f32x4.replace_lane(
    number, 3, drawnInteger(f32x4.extract_lane(inside, 3), f32x4.extract_lane(down, 3), index + 3));
  addError(missed(value, number, factor));
  return i32x4.trunc_sat_f32x4_s(f32x4.sub(number, low));
}

// @ts-ignore: decorator
@inline function drawnInteger(inside: f32, down: f32, index: u64): f32 {
  // In float64 the rest is exact.
  return draw(index) < <f64>inside - <f64>down ? down + 1 : down;
}

/** The place of a number drawn between its two neighbours; what was NaN is 0, to nearest. */
function drawnPlace(number: f32, known: bool, index: u64): i32 {
  let place = placeOf(number, reinterpret<i32>(number));
  if (!known) return place;
  // From the nearest level to the highest one that is not above the number.
  if (place > 0 && load<f32>(numbers + (<usize>place << 2)) > number) place--;
  const lower = <f64>load<f32>(numbers + (<usize>place << 2));
  const last = <i32>steps;
  if (place == last || <f64>number <= lower) return place;
  const upper = <f64>load<f32>(numbers + (<usize>(place + 1) << 2));
  return place + i32(draw(index) < (<f64>number - lower) / (upper - lower));
}

/**
 * Codes of [rows, columns] float32, rows `stride` bytes apart at `input` and `width` bytes apart at `output`, in runs of
 * `block` (a row's last may be short), each with its entry of `divisors`, `factors` and `zeros` (f32, one after the other).
 * `index`: of the first value in the weight; `indices`: from row to row. The squared error.
 */
export function encodeRuns(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize, index: f64, indices: f64,
): f64 {
  // Each kind is compiled for itself.
  if (stochastic) {
    if (kind != INTEGERS) return runs(true, input, rows, columns, stride, block, output, width, divisors, factors, zeros, index, indices);
    return runs(false, input, rows, columns, stride, block, output, width, divisors, factors, zeros, index, indices);
  }
  if (kind != INTEGERS) return nearestRuns(input, rows, columns, stride, block, output, width, divisors, factors);
  return integerRuns(input, rows, columns, stride, block, output, width, divisors, factors, zeros);
}

// @ts-ignore: decorator
@inline function runs(
  ofLevels: bool,
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize, index: f64, indices: f64,
): f64 {
  let error: f64 = 0;
  for (let row = 0; row < rows; row++, input += stride, output += width, index += indices) {
    let at = input;
    let to = output;
    let from = <u64>index;
    for (let column = 0; column < columns; column += block) {
      const count = min(block, columns - column);
      const divisor = v128.load32_splat(divisors);
      const factor = v128.load32_splat(factors);
      const low = f32x4.neg(v128.load32_splat(zeros));
      const high = f32x4.add(low, f32x4.splat(steps));
      divisors += 4;
      factors += 4;
      zeros += 4;
      const end = to + <usize>count;
      const whole = to + <usize>(count & ~15);
      for (; to < whole; to += 16, at += 64, from += 16) {
        const a = four(ofLevels, v128.load(at), divisor, factor, low, high, from);
        const b = four(ofLevels, v128.load(at, 16), divisor, factor, low, high, from + 4);
        const c = four(ofLevels, v128.load(at, 32), divisor, factor, low, high, from + 8);
        const d = four(ofLevels, v128.load(at, 48), divisor, factor, low, high, from + 12);
        v128.store(to, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
      }
      for (; to < end; to += 4, at += 16, from += 4) {
        const code = four(ofLevels, first(v128.load(at), end - to), divisor, factor, low, high, from);
        storeFirst(to, code, <i32>(end - to));
      }
      at -= (to - end) << 2;
      from -= <u64>(to - end);
      to = end;
      error += takeError();
    }
  }
  return error;
}

/** The same with an entry of the three arrays for each column. */
export function encodeRows(
  input: usize, rows: i32, columns: i32, stride: usize, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize, index: f64, indices: f64,
): f64 {
  if (stochastic) {
    if (kind != INTEGERS) return byColumn(true, input, rows, columns, stride, output, width, divisors, factors, zeros, index, indices);
    return byColumn(false, input, rows, columns, stride, output, width, divisors, factors, zeros, index, indices);
  }
  if (kind != INTEGERS) return nearestRows(input, rows, columns, stride, output, width, divisors, factors);
  return integerRows(input, rows, columns, stride, output, width, divisors, factors, zeros);
}

// @ts-ignore: decorator
@inline function byColumn(
  ofLevels: bool,
  input: usize, rows: i32, columns: i32, stride: usize, output: usize, width: usize,
  divisors: usize, factors: usize, zeros: usize, index: f64, indices: f64,
): f64 {
  let error: f64 = 0;
  const whole = columns & ~3;
  for (let row = 0; row < rows; row++, input += stride, output += width, index += indices) {
    const from = <u64>index;
    for (let column = 0; column < columns; column += 4) {
      const at = <usize>column << 2;
      const value = column < whole ? v128.load(input + at) : first(v128.load(input + at), <usize>(columns - column));
      const low = f32x4.neg(v128.load(zeros + at));
      const high = f32x4.add(low, f32x4.splat(steps));
      const code = four(
        ofLevels, value, v128.load(divisors + at), v128.load(factors + at), low, high, from + <u64>column);
      storeFirst(output + <usize>column, code, columns - column);
    }
    error += takeError();
  }
  return error;
}
