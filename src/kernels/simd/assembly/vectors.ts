// float16 <-> float32 in vectors of four, and what all kernels share. Same meaning as src/tensor/float16.ts.

// @ts-ignore: decorator
@inline export const INFINITE: i32 = 0x7f800000;

/** float32 lanes that are normal in float16, and their magnitudes, to float16 bit patterns in i32 lanes. */
// @ts-ignore: decorator
@inline export function toNormalHalf(value: v128, magnitude: v128): v128 {
  const sign = v128.and(i32x4.shr_u(value, 16), i32x4.splat(0x8000));
  // Rebias, then round half to even: add 0xfff and the last kept bit. A carry may reach infinity: right.
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), odd), 13);
  return v128.or(normal, sign);
}

/** Any float32 lanes to float16 bit patterns in i32 lanes. Round half to even; NaN becomes 0x7e00 with its sign. */
// @ts-ignore: decorator
@inline export function toHalf(value: v128): v128 {
  const magnitude = v128.and(value, i32x4.splat(0x7fffffff));
  const sign = v128.and(i32x4.shr_u(value, 16), i32x4.splat(0x8000));
  // Adding 0.5 shifts the mantissa of what is subnormal in float16 into place, and rounds it.
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  let bits = v128.bitselect(small, toNormalHalf(magnitude, magnitude), i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  bits = v128.bitselect(i32x4.splat(0x7c00), bits, i32x4.ge_s(magnitude, i32x4.splat(0x47800000)));
  bits = v128.bitselect(i32x4.splat(0x7e00), bits, i32x4.gt_s(magnitude, i32x4.splat(INFINITE)));
  return v128.or(bits, sign);
}

/** float16 bit patterns in i32 lanes to float32 lanes, exact. */
// @ts-ignore: decorator
@inline export function fromHalf(bits: v128): v128 {
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const magnitude = v128.and(bits, i32x4.splat(0x7fff));
  // The bits as a float32 of tiny exponent, times 2^112: exact for normal and subnormal values alike.
  const finite = f32x4.mul(i32x4.shl(magnitude, 13), i32x4.splat(0x77800000));
  const special = i32x4.gt_s(magnitude, i32x4.splat(0x7bff));
  return v128.or(v128.or(finite, v128.and(special, i32x4.splat(INFINITE))), sign);
}

/** The value where it is finite, else NaN, which pmin and pmax below pass over. Makes -0 of finite values +0. */
// @ts-ignore: decorator
@inline export function finite(value: v128): v128 {
  return f32x4.add(value, f32x4.sub(value, value));
}

/** Smaller of two, `kept` where `value` is NaN. */
// @ts-ignore: decorator
@inline export function lower(kept: v128, value: v128): v128 {
  return f32x4.pmin(kept, value);
}

// @ts-ignore: decorator
@inline export function higher(kept: v128, value: v128): v128 {
  return f32x4.pmax(kept, value);
}

// @ts-ignore: decorator
@inline export function smallestLane(value: v128): f32 {
  return min4(
    f32x4.extract_lane(value, 0), f32x4.extract_lane(value, 1),
    f32x4.extract_lane(value, 2), f32x4.extract_lane(value, 3),
  );
}

// @ts-ignore: decorator
@inline export function largestLane(value: v128): f32 {
  return -min4(
    -f32x4.extract_lane(value, 0), -f32x4.extract_lane(value, 1),
    -f32x4.extract_lane(value, 2), -f32x4.extract_lane(value, 3),
  );
}

// @ts-ignore: decorator
@inline function min4(a: f32, b: f32, c: f32, d: f32): f32 {
  return min(min(a, b), min(c, d));
}

// @ts-ignore: decorator
@inline export function sumLanes(value: v128): i32 {
  return (
    i32x4.extract_lane(value, 0) + i32x4.extract_lane(value, 1) +
    i32x4.extract_lane(value, 2) + i32x4.extract_lane(value, 3)
  );
}

/**
 * Codes of four values in i32 lanes: round half to even of value / divisor, between `low` and `high` (both less the zero
 * point, integers as floats), plus the zero point. NaN gives the zero point. `bias` is 0x4b400000 less the zero point.
 */
// @ts-ignore: decorator
@inline export function codes(value: v128, divisor: v128, low: v128, high: v128, bias: v128): v128 {
  const ratio = f32x4.div(value, divisor);
  const number = v128.and(ratio, f32x4.eq(ratio, ratio));
  const inside = f32x4.pmin(f32x4.pmax(number, low), high);
  // 1.5 x 2^23 leaves no bit for a fraction: the addition rounds half to even, and the integer stands in the low bits.
  return i32x4.sub(f32x4.add(inside, f32x4.splat(12582912)), bias);
}

// @ts-ignore: decorator
@inline export const ROUNDING_BITS: i32 = 0x4b400000;
