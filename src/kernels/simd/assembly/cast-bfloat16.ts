// float32 to bfloat16 with counts.

import { INFINITE, sumLanes } from "./vectors";

/** As castFloat16: `input` is writable to a multiple of 8 elements. */
export function castBfloat16(input: usize, count: i32, output: usize, counts: usize): void {
  for (let i = count; i & 7; i++) store<i32>(input + (<usize>i << 2), 0);
  let over = i32x4.splat(0);
  let under = i32x4.splat(0);
  let top = i32x4.splat(load<i32>(counts, 8));
  for (let i = 0; i < count; i += 8, input += 32, output += 16) {
    const a = v128.load(input);
    const b = v128.load(input, 16);
    const c = v128.and(a, i32x4.splat(0x7fffffff));
    const d = v128.and(b, i32x4.splat(0x7fffffff));
    v128.store(output, i16x8.narrow_i32x4_u(rounded(a, c), rounded(b, d)));
    const e = v128.and(c, i32x4.lt_s(c, i32x4.splat(INFINITE)));
    const f = v128.and(d, i32x4.lt_s(d, i32x4.splat(INFINITE)));
    top = i32x4.max_s(top, i32x4.max_s(e, f));
    // From half a step above the largest bfloat16 on: infinity; up to half the smallest: zero. A true comparison is -1.
    over = i32x4.add(over, i32x4.add(i32x4.gt_s(e, i32x4.splat(0x7f7f7fff)), i32x4.gt_s(f, i32x4.splat(0x7f7f7fff))));
    under = i32x4.add(under, i32x4.add(tiny(c), tiny(d)));
  }
  store<i32>(counts, load<i32>(counts) - sumLanes(over));
  store<i32>(counts, load<i32>(counts, 4) - sumLanes(under), 4);
  store<i32>(counts, max(max(i32x4.extract_lane(top, 0), i32x4.extract_lane(top, 1)),
    max(i32x4.extract_lane(top, 2), i32x4.extract_lane(top, 3))), 8);
}

// @ts-ignore: decorator
@inline function rounded(value: v128, magnitude: v128): v128 {
  const odd = v128.and(i32x4.shr_u(value, 16), i32x4.splat(1));
  const bits = i32x4.shr_u(i32x4.add(i32x4.add(value, i32x4.splat(0x7fff)), odd), 16);
  const nan = v128.or(v128.and(i32x4.shr_u(value, 16), i32x4.splat(0x8000)), i32x4.splat(0x7fc0));
  return v128.bitselect(nan, bits, i32x4.gt_s(magnitude, i32x4.splat(INFINITE)));
}

// @ts-ignore: decorator
@inline function tiny(magnitude: v128): v128 {
  return i32x4.lt_u(i32x4.sub(magnitude, i32x4.splat(1)), i32x4.splat(0x8000));
}
