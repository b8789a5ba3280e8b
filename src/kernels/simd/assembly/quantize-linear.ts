// int8, uint8, int16 and uint16 codes with given scales. Divisors are scales with Infinity for 0; `low` and `high` are less the zero point.

import { codes } from "./vectors";

/**
 * One scale per row of [rows, columns] values at `input`, readable to 15 elements past the end; one code a byte at
 * `output`, writable likewise. `divisors` f32, `lows` f32, `highs` f32 and `biases` i32 (0x4b400000 less the zero point).
 */
export function linearByRow(
  input: usize, rows: i32, columns: i32, output: usize, divisors: usize, lows: usize, highs: usize, biases: usize,
): void {
  const byte = i32x4.splat(255);
  for (let row: usize = 0; row < <usize>rows; row++) {
    const divisor = v128.load32_splat(divisors + (row << 2));
    const low = v128.load32_splat(lows + (row << 2));
    const high = v128.load32_splat(highs + (row << 2));
    const bias = v128.load32_splat(biases + (row << 2));
    for (let column: usize = 0; column < <usize>columns; column += 16) {
      const at = input + (column << 2);
      const a = v128.and(codes(v128.load(at), divisor, low, high, bias), byte);
      const b = v128.and(codes(v128.load(at, 16), divisor, low, high, bias), byte);
      const c = v128.and(codes(v128.load(at, 32), divisor, low, high, bias), byte);
      const d = v128.and(codes(v128.load(at, 48), divisor, low, high, bias), byte);
      // Writes up to 15 bytes past the row: the next row comes after and overwrites them.
      v128.store(output + column, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
    }
    input += <usize>columns << 2;
    output += <usize>columns;
  }
}

/** The same with one scale per column; the four arrays are readable to a multiple of 4. */
export function linearByColumn(
  input: usize, rows: i32, columns: i32, output: usize, divisors: usize, lows: usize, highs: usize, biases: usize,
): void {
  const byte = i32x4.splat(255);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += 4) {
      const at = <usize>column << 2;
      const four = v128.and(
        codes(v128.load(input + at), v128.load(divisors + at), v128.load(lows + at), v128.load(highs + at),
          v128.load(biases + at)),
        byte,
      );
      const pairs = i16x8.narrow_i32x4_s(four, four);
      // Writes up to three bytes past the row: the next row comes after and overwrites them.
      v128.store32_lane(output + <usize>column, i8x16.narrow_i16x8_u(pairs, pairs), 0);
    }
    input += <usize>columns << 2;
    output += <usize>columns;
  }
}

/** As `linearByRow`, two bytes a code; `output` is writable to 3 codes past the end. */
export function linearByRow16(
  input: usize, rows: i32, columns: i32, output: usize, divisors: usize, lows: usize, highs: usize, biases: usize,
): void {
  for (let row: usize = 0; row < <usize>rows; row++) {
    const divisor = v128.load32_splat(divisors + (row << 2));
    const low = v128.load32_splat(lows + (row << 2));
    const high = v128.load32_splat(highs + (row << 2));
    const bias = v128.load32_splat(biases + (row << 2));
    for (let column: usize = 0; column < <usize>columns; column += 4) {
      store4(output + (column << 1), codes(v128.load(input + (column << 2)), divisor, low, high, bias));
    }
    input += <usize>columns << 2;
    output += <usize>columns << 1;
  }
}

/** As `linearByColumn`, two bytes a code. */
export function linearByColumn16(
  input: usize, rows: i32, columns: i32, output: usize, divisors: usize, lows: usize, highs: usize, biases: usize,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += 4) {
      const at = <usize>column << 2;
      const four = codes(v128.load(input + at), v128.load(divisors + at), v128.load(lows + at), v128.load(highs + at),
        v128.load(biases + at));
      store4(output + (<usize>column << 1), four);
    }
    input += <usize>columns << 2;
    output += <usize>columns << 1;
  }
}

/** The lower halves of four codes. Writes past a row are overwritten by the next. */
// @ts-ignore: decorator
@inline function store4(output: usize, four: v128): void {
  const halves = i8x16.shuffle(four, four, 0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13);
  v128.store64_lane(output, halves, 0);
}
