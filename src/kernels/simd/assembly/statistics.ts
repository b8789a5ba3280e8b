// Smallest and largest finite value, counts of non-zeros and of values that are not finite. Accumulates: the caller
// fills `minimum` with Infinity, `maximum` with -Infinity and `counts` (i32 non-zero, i32 not finite) with 0.

import { finite, higher, largestLane, lower, smallestLane, sumLanes } from "./vectors";

/** One range per row of [rows, columns] values at `input`. */
export function statisticsByRow(
  input: usize, rows: i32, columns: i32, minimum: usize, maximum: usize, counts: usize,
): void {
  for (let row = 0; row < rows; row++) {
    oneRow(input, columns, minimum, maximum, counts);
    input += <usize>columns << 2;
    minimum += 4;
    maximum += 4;
  }
}

function oneRow(input: usize, count: i32, minimum: usize, maximum: usize, counts: usize): void {
  const zero = f32x4.splat(0);
  let low = f32x4.splat(load<f32>(minimum));
  let high = f32x4.splat(load<f32>(maximum));
  let zeros = i32x4.splat(0);
  let numbers = i32x4.splat(0);
  const whole = count & ~3;
  const end = input + (<usize>whole << 2);
  for (; input < end; input += 16) {
    const value = v128.load(input);
    const usable = finite(value);
    low = lower(low, usable);
    high = higher(high, usable);
    zeros = i32x4.add(zeros, f32x4.eq(value, zero));
    numbers = i32x4.add(numbers, f32x4.eq(usable, usable));
  }
  let zeroCount = -sumLanes(zeros);
  let numberCount = -sumLanes(numbers);
  let least = smallestLane(low);
  let most = largestLane(high);
  for (let i = whole; i < count; i++, input += 4) {
    const value = load<f32>(input);
    const usable = value + (value - value);
    if (usable < least) least = usable;
    if (usable > most) most = usable;
    zeroCount += i32(value == 0);
    numberCount += i32(usable == usable);
  }
  store<f32>(minimum, least + 0);
  store<f32>(maximum, most + 0);
  store<i32>(counts, load<i32>(counts) + count - zeroCount);
  store<i32>(counts, load<i32>(counts, 4) + count - numberCount, 4);
}

/** How many of `count` values at `input` are not finite. */
export function countNonFinite(input: usize, count: i32): i32 {
  let first = i32x4.splat(0);
  let second = first;
  const whole = count & ~7;
  const end = input + (<usize>whole << 2);
  for (; input < end; input += 32) {
    const a = v128.load(input);
    const b = v128.load(input, 16);
    // The difference is 0 of a finite value, NaN of any other.
    const c = f32x4.sub(a, a);
    const d = f32x4.sub(b, b);
    first = i32x4.sub(first, f32x4.ne(c, c));
    second = i32x4.sub(second, f32x4.ne(d, d));
  }
  let found = sumLanes(i32x4.add(first, second));
  for (let i = whole; i < count; i++, input += 4) {
    const value = load<f32>(input);
    found += i32(value - value != 0);
  }
  return found;
}

/** One range per column of [rows, columns] values at `input`. */
export function statisticsByColumn(
  input: usize, rows: i32, columns: i32, minimum: usize, maximum: usize, counts: usize,
): void {
  const zero = f32x4.splat(0);
  let zeros = i32x4.splat(0);
  let numbers = i32x4.splat(0);
  let zeroCount = 0;
  let numberCount = 0;
  const whole = <usize>(columns & ~3) << 2;
  const width = <usize>columns << 2;
  for (let row = 0; row < rows; row++, input += width) {
    for (let at: usize = 0; at < whole; at += 16) {
      const value = v128.load(input + at);
      const usable = finite(value);
      v128.store(minimum + at, lower(v128.load(minimum + at), usable));
      v128.store(maximum + at, higher(v128.load(maximum + at), usable));
      zeros = i32x4.add(zeros, f32x4.eq(value, zero));
      numbers = i32x4.add(numbers, f32x4.eq(usable, usable));
    }
    for (let at = whole; at < width; at += 4) {
      const value = load<f32>(input + at);
      const usable = value + (value - value);
      if (usable < load<f32>(minimum + at)) store<f32>(minimum + at, usable);
      if (usable > load<f32>(maximum + at)) store<f32>(maximum + at, usable);
      zeroCount += i32(value == 0);
      numberCount += i32(usable == usable);
    }
  }
  store<i32>(counts, load<i32>(counts) + rows * columns - zeroCount + sumLanes(zeros));
  store<i32>(counts, load<i32>(counts, 4) + rows * columns - numberCount + sumLanes(numbers), 4);
}
