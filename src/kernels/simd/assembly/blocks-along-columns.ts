// Blockwise codes of 4 and 8 bits, blocks along the columns.

import { divisorsOf, lane, padded, scalesOf, storedScales, zeroPointsOf } from "./blocks";
import { codes, finite, higher, lower, ROUNDING_BITS } from "./vectors";

/**
 * Blocks along the columns of [rows, columns] values at `input`: codes, scales and (asymmetric) zero points one after the
 * other. `scratch`: room for four blocks of float32 and 64 bytes.
 */
export function blocksAlongColumns(
  input: usize, rows: i32, columns: i32, block: i32, bits: i32, symmetric: bool, half: bool,
  output: usize, scales: usize, zeroPoints: usize, scratch: usize,
): void {
  // Without short blocks, rows are as one.
  if (columns % block == 0) {
    columns *= rows;
    rows = 1;
  }
  const blob = <usize>((block * bits) >> 3);
  const four = block << 2;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += four) {
      let source = input;
      const count = min(four, columns - column);
      if (count < four) {
        source = scratch + 64;
        padded(source, input, count, four);
      }
      const blocks = (count + block - 1) / block;
      if (bits == 4) blocks4(source, blocks, block, symmetric, half, output, scales, zeroPoints, scratch);
      else blocks8(source, blocks, block, symmetric, half, output, scales, zeroPoints, scratch);
      input += <usize>count << 2;
      output += blob * blocks;
      scales += <usize>blocks << 2;
      if (!symmetric) zeroPoints += blocks;
    }
  }
}

// Functions of their own, so that each width is compiled for itself and small.
function blocks4(
  source: usize, blocks: i32, block: i32, symmetric: bool, half: bool,
  output: usize, scales: usize, zeroPoints: usize, scratch: usize,
): void {
  fourBlocks(source, blocks, block, 4, symmetric, half, output, scales, zeroPoints, scratch);
}

function blocks8(
  source: usize, blocks: i32, block: i32, symmetric: bool, half: bool,
  output: usize, scales: usize, zeroPoints: usize, scratch: usize,
): void {
  fourBlocks(source, blocks, block, 8, symmetric, half, output, scales, zeroPoints, scratch);
}

/** Four blocks at `source`, of which the first `blocks` are wanted. Their scales are made together, one in each lane. */
// @ts-ignore: decorator
@inline function fourBlocks(
  source: usize, blocks: i32, block: i32, bits: i32, symmetric: bool, half: bool,
  output: usize, scales: usize, zeroPoints: usize, scratch: usize,
): void {
  const bytes = <usize>block << 2;
  const a = range(source, bytes);
  const b = range(source + bytes, bytes);
  const c = range(source + bytes * 2, bytes);
  const d = range(source + bytes * 3, bytes);
  // Transposed, lane i belongs to block i.
  const e = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const f = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const g = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const h = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const least = lower(i64x2.shuffle(e, f, 0, 2), i64x2.shuffle(e, f, 1, 3));
  const most = higher(i64x2.shuffle(g, h, 0, 2), i64x2.shuffle(g, h, 1, 3));

  const exact = scalesOf(least, most, bits, symmetric);
  const zero = zeroPointsOf(least, exact, bits, symmetric);
  const scale = storedScales(exact, half);
  const point = f32x4.convert_i32x4_s(zero);
  v128.store(scratch, divisorsOf(scale));
  v128.store(scratch, f32x4.neg(point), 16);
  v128.store(scratch, f32x4.sub(f32x4.splat(bits == 4 ? 15 : 255), point), 32);
  v128.store(scratch, i32x4.sub(i32x4.splat(ROUNDING_BITS), zero), 48);
  if (blocks == 4) v128.store(scales, scale);
  else for (let i = 0; i < blocks; i++) store<f32>(scales + (i << 2), lane<f32>(scale, i));
  if (!symmetric) for (let i = 0; i < blocks; i++) store<u8>(zeroPoints + i, <u8>lane<i32>(zero, i));

  for (let i = 0; i < blocks; i++, scratch += 4) {
    const divisor = v128.load32_splat(scratch);
    const low = v128.load32_splat(scratch, 16);
    const high = v128.load32_splat(scratch, 32);
    const bias = v128.load32_splat(scratch, 48);
    for (const end = source + bytes; source < end; source += 64) {
      const a = codes(v128.load(source), divisor, low, high, bias);
      const b = codes(v128.load(source, 16), divisor, low, high, bias);
      const c = codes(v128.load(source, 32), divisor, low, high, bias);
      const d = codes(v128.load(source, 48), divisor, low, high, bias);
      const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
      if (bits == 8) {
        v128.store(output, bytes);
        output += 16;
      } else {
        // Each 16-bit lane holds two codes, the first in its low byte: bring the second beside it.
        const pairs = v128.and(v128.or(bytes, i16x8.shr_u(bytes, 4)), i16x8.splat(255));
        v128.store64_lane(output, i8x16.narrow_i16x8_u(pairs, pairs), 0);
        output += 8;
      }
    }
  }
}

/** Range of one block, halfway reduced: the smallest in lanes 0 and 1, the largest in lanes 2 and 3. */
// @ts-ignore: decorator
@inline function range(source: usize, bytes: usize): v128 {
  let least0 = f32x4.splat(Infinity);
  let least1 = least0;
  let most0 = f32x4.splat(-Infinity);
  let most1 = most0;
  for (const end = source + bytes; source < end; source += 64) {
    const a = finite(v128.load(source));
    const b = finite(v128.load(source, 16));
    const c = finite(v128.load(source, 32));
    const d = finite(v128.load(source, 48));
    least0 = lower(lower(least0, a), c);
    least1 = lower(lower(least1, b), d);
    most0 = higher(higher(most0, a), c);
    most1 = higher(higher(most1, b), d);
  }
  const least = lower(least0, least1);
  const most = higher(most0, most1);
  const low = lower(least, i64x2.shuffle(least, least, 1, 0));
  const high = higher(most, i64x2.shuffle(most, most, 1, 0));
  return i64x2.shuffle(low, high, 0, 2);
}
