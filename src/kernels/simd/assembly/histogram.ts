// Counts and sums by the upper 16 bits of float32 values.

/** Adds `count` values at `input` to u32[65536] counts and f64[65536] sums. How many are not finite. */
export function histogram(input: usize, count: i32, counts: usize, sums: usize): i32 {
  let nonFinite = 0;
  for (const end = input + (<usize>count << 2); input < end; input += 4) {
    const value = load<f32>(input);
    if (value - value != 0) {
      nonFinite++;
      continue;
    }
    const bin = <usize>(load<u32>(input) >> 16);
    store<u32>(counts + (bin << 2), load<u32>(counts + (bin << 2)) + 1);
    store<f64>(sums + (bin << 3), load<f64>(sums + (bin << 3)) + <f64>value);
  }
  return nonFinite;
}
