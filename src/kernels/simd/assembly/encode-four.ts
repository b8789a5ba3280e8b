// Blocks in fours for what looks at their values more than once: a vector holds the values of four blocks at one position.

/** The value where it is finite, else 0. */
// @ts-ignore: decorator
@inline export function finiteOrZero(value: v128): v128 {
  const difference = f32x4.sub(value, value);
  return v128.and(value, f32x4.eq(difference, difference));
}

/** Columns that are copied at once: a line of the cache, of each row. */
// @ts-ignore: decorator
@inline export const WIDE: i32 = 16;

/** Copies blocks of `rows` values down up to 16 columns, rows `stride` bytes apart: four of them, [rows, 4], after the other four. */
export function takeColumns(input: usize, rows: i32, columns: i32, stride: usize, output: usize): void {
  const each = <usize>rows << 4;
  if (columns <= 12) {
    for (let row = 0; row < rows; row++, input += stride, output += 16) {
      for (let i = 0, to = output; i < columns; i += 4, to += each) {
        v128.store(to, finiteOrZero(v128.load(input + (<usize>i << 2))));
      }
    }
    return;
  }
  for (let row = 0; row < rows; row++, input += stride, output += 16) {
    v128.store(output, finiteOrZero(v128.load(input)));
    v128.store(output + each, finiteOrZero(v128.load(input, 16)));
    v128.store(output + each * 2, finiteOrZero(v128.load(input, 32)));
    v128.store(output + each * 3, finiteOrZero(v128.load(input, 48)));
  }
}

/** The same of four blocks of `count` values that stand one after the other, each at its address: [count, 4]. */
export function takeRuns(a: usize, b: usize, c: usize, d: usize, count: i32, output: usize): void {
  const whole = output + (<usize>(count & ~3) << 4);
  for (; output < whole; output += 64, a += 16, b += 16, c += 16, d += 16) {
    const p = finiteOrZero(v128.load(a));
    const q = finiteOrZero(v128.load(b));
    const r = finiteOrZero(v128.load(c));
    const s = finiteOrZero(v128.load(d));
    const pq = i32x4.shuffle(p, q, 0, 4, 1, 5), rs = i32x4.shuffle(r, s, 0, 4, 1, 5);
    const pq2 = i32x4.shuffle(p, q, 2, 6, 3, 7), rs2 = i32x4.shuffle(r, s, 2, 6, 3, 7);
    v128.store(output, i64x2.shuffle(pq, rs, 0, 2));
    v128.store(output, i64x2.shuffle(pq, rs, 1, 3), 16);
    v128.store(output, i64x2.shuffle(pq2, rs2, 0, 2), 32);
    v128.store(output, i64x2.shuffle(pq2, rs2, 1, 3), 48);
  }
  for (const end = output + (<usize>(count & 3) << 4); output < end; output += 16, a += 4, b += 4, c += 4, d += 4) {
    let value = v128.load32_zero(a);
    value = v128.load32_lane(b, value, 1);
    value = v128.load32_lane(c, value, 2);
    v128.store(output, finiteOrZero(v128.load32_lane(d, value, 3)));
  }
}

/** A lane of each of four addresses. */
// @ts-ignore: decorator
@inline export function loadLanes(a: usize, b: usize, c: usize, d: usize): v128 {
  let value = v128.load32_zero(a);
  value = v128.load32_lane(b, value, 1);
  value = v128.load32_lane(c, value, 2);
  return v128.load32_lane(d, value, 3);
}

// @ts-ignore: decorator
@inline export function storeLanes(value: v128, a: usize, b: usize, c: usize, d: usize): void {
  v128.store32_lane(a, value, 0);
  v128.store32_lane(b, value, 1);
  v128.store32_lane(c, value, 2);
  v128.store32_lane(d, value, 3);
}
