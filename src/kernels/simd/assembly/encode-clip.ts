// Ranges clipped to a percentile, one block at a time, over a copy of its values that stand one after the other.

// @ts-ignore: decorator
@inline const NAN: i32 = 0x7fc00000;

/** Copies `count` float32, `leap` bytes apart at `input`, to `output`; NaN for what is not finite and after them, to a vector. */
export function gather(input: usize, count: i32, leap: usize, output: usize): void {
  for (let i = 0; i < count; i++, input += leap, output += 4) {
    const value = load<f32>(input);
    store<f32>(output, value - value == 0 ? value : NaN);
  }
  for (let i = count; i & 3; i++, output += 4) store<i32>(output, NAN);
}

/**
 * Clips the range at `least` and `most` to the magnitude that `share` (0 to 1) of the gathered values does not exceed.
 * `scratch`: room for as many values.
 */
export function clipSpan(values: usize, count: i32, share: f64, scratch: usize, least: usize, most: usize): void {
  let known = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const value = load<f32>(values + (i << 2));
    if (value != value) continue;
    store<f32>(scratch + (<usize>known << 2), abs(value));
    known++;
  }
  if (known == 0) return;
  const rank = min(known, max(1, <i32>ceil<f64>(share * <f64>known)));
  const bound = ranked(scratch, known, rank - 1);
  if (bound == 0) return;
  store<f32>(least, max(load<f32>(least), -bound));
  store<f32>(most, min(load<f32>(most), bound));
}

/** The value that stands at `rank` (from 0) when sorted; leaves the values in another order. Hoare's FIND. */
function ranked(values: usize, count: i32, rank: i32): f32 {
  let left = 0;
  let right = count - 1;
  while (left < right) {
    const pivot = load<f32>(values + (<usize>rank << 2));
    let i = left;
    let j = right;
    while (i <= j) {
      while (load<f32>(values + (<usize>i << 2)) < pivot) i++;
      while (load<f32>(values + (<usize>j << 2)) > pivot) j--;
      if (i > j) break;
      const a = values + (<usize>i << 2);
      const b = values + (<usize>j << 2);
      const kept = load<f32>(a);
      store<f32>(a, load<f32>(b));
      store<f32>(b, kept);
      i++;
      j--;
    }
    if (j < rank) left = i;
    if (rank < i) right = j;
  }
  return load<f32>(values + (<usize>rank << 2));
}
