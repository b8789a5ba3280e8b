// float32 to float16 with counts, and float16 to float32.

import { fromHalf, INFINITE, sumLanes, toHalf, toNormalHalf } from "./vectors";

/**
 * `input`: float32[count], readable to a multiple of 8 elements; `output`: as many float16. `counts`: i32 overflow, i32
 * underflow, f32 largest finite magnitude, added to what stands there.
 */
export function castFloat16(input: usize, count: i32, output: usize, counts: usize): void {
  // The last vectors may hold elements past the end: they are made zero, which counts nowhere.
  for (let i = count; i & 7; i++) store<f32>(input + (<usize>i << 2), 0);
  let over = i32x4.splat(0);
  let under = i32x4.splat(0);
  let top = i32x4.splat(load<i32>(counts, 8));
  for (let i = 0; i < count; i += 8) {
    const a = v128.load(input);
    const b = v128.load(input, 16);
    const c = v128.and(a, i32x4.splat(0x7fffffff));
    const d = v128.and(b, i32x4.splat(0x7fffffff));
    const most = i32x4.max_s(c, d);
    // Nearly all weights are normal numbers in float16: those eight need no choice and no counting.
    const unusual = v128.or(
      i32x4.gt_s(most, i32x4.splat(0x477fefff)), i32x4.gt_s(i32x4.splat(0x38800000), i32x4.min_s(c, d)));
    if (!v128.any_true(unusual)) {
      top = i32x4.max_s(top, most);
      v128.store(output, i16x8.narrow_i32x4_u(toNormalHalf(a, c), toNormalHalf(b, d)));
    } else {
      v128.store(output, i16x8.narrow_i32x4_u(toHalf(a), toHalf(b)));
      const e = v128.and(c, i32x4.lt_s(c, i32x4.splat(INFINITE)));
      const f = v128.and(d, i32x4.lt_s(d, i32x4.splat(INFINITE)));
      top = i32x4.max_s(top, i32x4.max_s(e, f));
      // 65520 and above round to infinity; magnitudes up to 2^-25 to zero. A true comparison is -1.
      over = i32x4.add(over, i32x4.gt_s(e, i32x4.splat(0x477fefff)));
      over = i32x4.add(over, i32x4.gt_s(f, i32x4.splat(0x477fefff)));
      under = i32x4.add(under, tiny(c));
      under = i32x4.add(under, tiny(d));
    }
    input += 32;
    output += 16;
  }
  store<i32>(counts, load<i32>(counts) - sumLanes(over));
  store<i32>(counts, load<i32>(counts, 4) - sumLanes(under), 4);
  store<i32>(counts, max(max(i32x4.extract_lane(top, 0), i32x4.extract_lane(top, 1)),
    max(i32x4.extract_lane(top, 2), i32x4.extract_lane(top, 3))), 8);
}

// @ts-ignore: decorator
@inline function tiny(magnitude: v128): v128 {
  // As unsigned, 0 - 1 is the largest number: one comparison for "not zero and at most 2^-25".
  return i32x4.lt_u(i32x4.sub(magnitude, i32x4.splat(1)), i32x4.splat(0x33000000));
}

/** float16[count] at `input`, readable to a multiple of 8, to float32 at `output`. */
export function widen(input: usize, count: i32, output: usize): void {
  for (let i = 0; i < count; i += 8) {
    const bits = v128.load(input);
    v128.store(output, fromHalf(i32x4.extend_low_i16x8_u(bits)));
    v128.store(output, fromHalf(i32x4.extend_high_i16x8_u(bits)), 16);
    input += 16;
    output += 32;
  }
}
