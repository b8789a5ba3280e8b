// What a quotient is nearest to, four quotients at a time: the numbers of a float format by arithmetic on their bits, up to 16
// levels by counting thresholds of sixteen at a time, more by a search for each.

import {
  FLOATS, guesses, half, INTEGERS, kind, largestNumber, mantissa, numbers, planes, smallestNormal, steps, thresholds,
} from "./encode-state";

/** How many thresholds are not above a number. `bits`: those of the number. */
// @ts-ignore: decorator
@inline export function placeOf(number: f32, bits: i32): i32 {
  let place = 0;
  if (guesses) {
    place = load<u8>(guesses + <usize>(<u32>bits >> 16));
    // Seldom is there more than one threshold among the numbers with the same upper 16 bits.
    place += i32(number >= load<f32>(thresholds + (<usize>place << 2)));
    while (number >= load<f32>(thresholds + (<usize>place << 2))) place++;
    return place;
  }
  for (let step = half; step > 0; step >>= 1) {
    place += number >= load<f32>(thresholds + (<usize>(place + step - 1) << 2)) ? step : 0;
  }
  return place;
}

/** The numbers at four places. */
// @ts-ignore: decorator
@inline export function numbersAt(a: i32, b: i32, c: i32, d: i32): v128 {
  let number = v128.load32_zero(numbers + (<usize>a << 2));
  number = v128.load32_lane(numbers + (<usize>b << 2), number, 1);
  number = v128.load32_lane(numbers + (<usize>c << 2), number, 2);
  return v128.load32_lane(numbers + (<usize>d << 2), number, 3);
}

/**
 * Float formats. A magnitude and the power of two that leaves the sum of both no finer bits than the format has there: the
 * addition rounds half to even. `limit`: the largest number, `normal`: the smallest normal one.
 */
// @ts-ignore: decorator
@inline export function bounded(ratio: v128, limit: v128): v128 {
  return f32x4.pmin(f32x4.abs(ratio), limit);
}
// @ts-ignore: decorator
@inline export function rounder(magnitude: v128, normal: v128, shift: v128): v128 {
  return i32x4.add(v128.and(f32x4.pmax(normal, magnitude), i32x4.splat(0x7f800000)), shift);
}
/** 2^(23 - bits of the mantissa), as it is added to an exponent. */
// @ts-ignore: decorator
@inline export function rounderShift(): v128 {
  return i32x4.splat((23 - mantissa) << 23);
}
// @ts-ignore: decorator
@inline export function signed(magnitude: v128, ratio: v128): v128 {
  return v128.or(magnitude, v128.and(ratio, i32x4.splat(0x80000000)));
}

/** Up to 16 levels: the places of 16 quotients, a byte each. */
// @ts-ignore: decorator
@inline export function placesOf(a: v128, b: v128, c: v128, d: v128): v128 {
  let p = i32x4.splat(0), q = p, r = p, s = p;
  const end = thresholds + (<usize>steps << 2);
  for (let at = thresholds; at < end; at += 4) {
    const threshold = v128.load32_splat(at);
    p = i32x4.sub(p, f32x4.ge(a, threshold));
    q = i32x4.sub(q, f32x4.ge(b, threshold));
    r = i32x4.sub(r, f32x4.ge(c, threshold));
    s = i32x4.sub(s, f32x4.ge(d, threshold));
  }
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(p, q), i16x8.narrow_i32x4_s(r, s));
}
/** One byte of each of the numbers at 16 places; `from`: 16 times which. */
// @ts-ignore: decorator
@inline export function bytesAt(places: v128, from: usize): v128 {
  return i8x16.swizzle(v128.load(planes + from), places);
}
/** Bytes 0 and 1, and 2 and 3, of numbers are brought beside each other by the first two, the pairs by the others. */
// @ts-ignore: decorator
@inline export function lowBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
// @ts-ignore: decorator
@inline export function highBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
// @ts-ignore: decorator
@inline export function lowPairs(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// @ts-ignore: decorator
@inline export function highPairs(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** What `nearest` takes besides the quotients: of integers the ends of the codes less the zero point. */
// @ts-ignore: decorator
@inline export function lowerEnd(zeros: v128): v128 {
  return kind == FLOATS ? f32x4.splat(smallestNormal) : f32x4.neg(zeros);
}
// @ts-ignore: decorator
@inline export function upperEnd(zeros: v128): v128 {
  return kind == FLOATS ? f32x4.splat(largestNumber) : f32x4.sub(f32x4.splat(steps), zeros);
}
// @ts-ignore: decorator
@inline export function nearestShift(grid: i32): v128 {
  return grid == FLOATS ? rounderShift() : f32x4.splat(12582912);
}

/** The numbers nearest to four quotients, less the zero point; NaN, or anything, for NaN. */
// @ts-ignore: decorator
@inline export function nearest(grid: i32, ratio: v128, low: v128, high: v128, shift: v128): v128 {
  if (grid == INTEGERS) {
    return f32x4.sub(f32x4.add(f32x4.pmin(f32x4.pmax(ratio, low), high), shift), shift);
  }
  if (grid == FLOATS) {
    const magnitude = bounded(ratio, high);
    const power = rounder(magnitude, low, shift);
    return signed(f32x4.sub(f32x4.add(magnitude, power), power), ratio);
  }
  return numbersAt(
    placeOf(f32x4.extract_lane(ratio, 0), i32x4.extract_lane(ratio, 0)),
    placeOf(f32x4.extract_lane(ratio, 1), i32x4.extract_lane(ratio, 1)),
    placeOf(f32x4.extract_lane(ratio, 2), i32x4.extract_lane(ratio, 2)),
    placeOf(f32x4.extract_lane(ratio, 3), i32x4.extract_lane(ratio, 3)),
  );
}
