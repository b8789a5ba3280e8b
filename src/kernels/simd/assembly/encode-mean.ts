// Scaling by means, four blocks at a time; the meaning is ../../encode-mean.ts.

import { steps } from "./encode-state";

/** As of the reference. */
// @ts-ignore: decorator
@inline const ROUNDS: i32 = 12;

/** The wanted scales of four blocks, [count, 4] at `values`, which become magnitudes, with their ranges. */
export function fourMeans(values: usize, count: i32, smallest: v128, largest: v128): v128 {
  const most = f32x4.max(f32x4.abs(smallest), f32x4.abs(largest));
  const exponent = i32x4.max_s(
    i32x4.min_s(v128.and(most, i32x4.splat(0x7f800000)), i32x4.splat(253 << 23)), i32x4.splat(1 << 23));
  const down = i32x4.sub(i32x4.splat(254 << 23), exponent);
  const end = values + (<usize>count << 4);
  let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  let at = values;
  for (const whole = values + (<usize>(count & ~3) << 4); at < whole; at += 64) {
    sum0 = f32x4.add(sum0, magnitude(at, down));
    sum1 = f32x4.add(sum1, magnitude(at + 16, down));
    sum2 = f32x4.add(sum2, magnitude(at + 32, down));
    sum3 = f32x4.add(sum3, magnitude(at + 48, down));
  }
  if (at < end) sum0 = f32x4.add(sum0, magnitude(at, down));
  if (at + 16 < end) sum1 = f32x4.add(sum1, magnitude(at + 16, down));
  if (at + 32 < end) sum2 = f32x4.add(sum2, magnitude(at + 32, down));
  const mean = f32x4.div(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)), f32x4.splat(<f32>count));
  return f32x4.mul(steps < 2 ? mean : ternary(values, end, mean), exponent);
}

// @ts-ignore: decorator
@inline function magnitude(at: usize, down: v128): v128 {
  const value = f32x4.mul(f32x4.abs(v128.load(at)), down);
  v128.store(at, value);
  return value;
}

function ternary(values: usize, end: usize, mean: v128): v128 {
  let scale = f32x4.splat(0);
  let threshold = f32x4.mul(mean, f32x4.splat(0.7));
  const whole = values + ((end - values) & ~63);
  for (let i = 0; i < ROUNDS; i++) {
    let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let found = sum0;
    let at = values;
    for (; at < whole; at += 64) {
      const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
      const overA = f32x4.gt(a, threshold), overB = f32x4.gt(b, threshold);
      const overC = f32x4.gt(c, threshold), overD = f32x4.gt(d, threshold);
      sum0 = f32x4.add(sum0, v128.and(a, overA));
      sum1 = f32x4.add(sum1, v128.and(b, overB));
      sum2 = f32x4.add(sum2, v128.and(c, overC));
      sum3 = f32x4.add(sum3, v128.and(d, overD));
      found = i32x4.add(found, i32x4.add(i32x4.add(overA, overB), i32x4.add(overC, overD)));
    }
    for (let lane = 0; at < end; at += 16, lane++) {
      const value = v128.load(at);
      const over = f32x4.gt(value, threshold);
      const taken = v128.and(value, over);
      if (lane == 0) sum0 = f32x4.add(sum0, taken);
      else if (lane == 1) sum1 = f32x4.add(sum1, taken);
      else sum2 = f32x4.add(sum2, taken);
      found = i32x4.add(found, over);
    }
    const some = i32x4.ne(found, i32x4.splat(0));
    const all = f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3));
    // Masks are -1 where they count.
    scale = v128.bitselect(f32x4.div(all, f32x4.convert_i32x4_s(i32x4.neg(found))), scale, some);
    const next = v128.bitselect(f32x4.mul(scale, f32x4.splat(0.5)), threshold, some);
    if (!v128.any_true(f32x4.ne(next, threshold))) break;
    threshold = next;
  }
  return scale;
}
