// Blockwise codes of 4 and 8 bits for MatMulNBits, both directions. Places in a short block are filled with NaN, which
// has no part in a range and whose code is the zero point: every block is then whole.

import {
  codes, finite, fromHalf, higher, INFINITE, lower, ROUNDING_BITS, toHalf,
} from "./vectors";

// @ts-ignore: decorator
@inline const NAN: i32 = 0x7fc00000;

/** Scales of four blocks from their ranges; see ../../quantize-blocks.ts for the formulas. */
// @ts-ignore: decorator
@inline function scalesOf(least: v128, most: v128, bits: i32, symmetric: bool): v128 {
  const zero = f32x4.splat(0);
  // Without a finite value least is Infinity and most is -Infinity: both become 0.
  const some = f32x4.le(least, most);
  const low = v128.and(least, some);
  const high = v128.and(most, some);
  if (symmetric) {
    const extreme = v128.bitselect(high, low, f32x4.gt(f32x4.abs(high), f32x4.abs(low)));
    return f32x4.add(f32x4.div(extreme, f32x4.splat(bits == 4 ? -8 : -128)), zero);
  }
  const levels = f32x4.splat(bits == 4 ? 15 : 255);
  const bottom = f32x4.pmin(low, zero);
  const top = f32x4.pmax(high, zero);
  const width = f32x4.sub(top, bottom);
  const parts = f32x4.sub(f32x4.div(top, levels), f32x4.div(bottom, levels));
  return v128.bitselect(f32x4.div(width, levels), parts, f32x4.lt(width, i32x4.splat(INFINITE)));
}

// @ts-ignore: decorator
@inline function zeroPointsOf(least: v128, scales: v128, bits: i32, symmetric: bool): v128 {
  if (symmetric) return i32x4.splat(bits == 4 ? 8 : 128);
  const zero = f32x4.splat(0);
  const levels = f32x4.splat(bits == 4 ? 15 : 255);
  const bottom = f32x4.pmin(least, zero);
  const exact = f32x4.pmin(f32x4.sub(zero, f32x4.div(bottom, scales)), levels);
  // Round half up: the floor, plus one where the fraction is a half or more (the difference is exact).
  const floor = f32x4.floor(exact);
  const rounded = f32x4.sub(floor, f32x4.convert_i32x4_s(f32x4.ge(f32x4.sub(exact, floor), f32x4.splat(0.5))));
  return v128.and(i32x4.trunc_sat_f32x4_s(rounded), f32x4.ne(scales, zero));
}

// @ts-ignore: decorator
@inline function divisorsOf(scales: v128): v128 {
  return v128.bitselect(i32x4.splat(INFINITE), scales, f32x4.eq(scales, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline function storedScales(scales: v128, half: bool): v128 {
  return half ? f32x4.add(fromHalf(toHalf(scales)), f32x4.splat(0)) : scales;
}

/** Copies `count` values and fills up with NaN to `room`. */
function padded(scratch: usize, input: usize, count: i32, room: i32): void {
  memory.copy(scratch, input, <usize>count << 2);
  for (let i = count; i < room; i++) store<i32>(scratch + (<usize>i << 2), NAN);
}

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

/**
 * One block down the rows of each of `columns` columns: `rows` (at most `block`) rows of float32 at `input`, `stride`
 * bytes apart. Codes of a column stand at `output + column * step`, its scale at `scales + column * scaleStep * 4`, its
 * zero point at `zeroPoints + column * scaleStep`. `scratch`: room for block x 16 float32.
 */
export function blocksAlongRows(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, bits: i32, symmetric: bool, half: bool,
  output: usize, step: usize, scales: usize, zeroPoints: usize, scaleStep: usize, scratch: usize,
): void {
  for (let column = 0; column < columns; column += 16) {
    const count = min(16, columns - column);
    if (bits == 4) tile4(input, rows, count, stride, block, symmetric, half, output, step, scales, zeroPoints, scaleStep, scratch);
    else tile8(input, rows, count, stride, block, symmetric, half, output, step, scales, zeroPoints, scaleStep, scratch);
    input += 64;
    output += step << 4;
    scales += scaleStep << 6;
    zeroPoints += scaleStep << 4;
  }
}

// Functions of their own, so that each width is compiled for itself and small.
function tile4(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, symmetric: bool, half: bool,
  output: usize, step: usize, scales: usize, zeroPoints: usize, scaleStep: usize, scratch: usize,
): void {
  tile(input, rows, columns, stride, block, 4, symmetric, half, output, step, scales, zeroPoints, scaleStep, scratch);
}

function tile8(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, symmetric: bool, half: bool,
  output: usize, step: usize, scales: usize, zeroPoints: usize, scaleStep: usize, scratch: usize,
): void {
  tile(input, rows, columns, stride, block, 8, symmetric, half, output, step, scales, zeroPoints, scaleStep, scratch);
}

/**
 * Up to 16 columns (one cache line of each row), copied together so that rows far apart do not evict each other from the
 * cache, their ranges taken on the way.
 */
// @ts-ignore: decorator
@inline function tile(
  input: usize, rows: i32, columns: i32, stride: usize, block: i32, bits: i32, symmetric: bool, half: bool,
  output: usize, step: usize, scales: usize, zeroPoints: usize, scaleStep: usize, scratch: usize,
): void {
  const nothing = i32x4.splat(NAN);
  const end = scratch + (<usize>block << 6);
  let source = input;
  let leap = stride;
  if (columns < 16) {
    // Short rows are first copied and filled up in the scratch, and then read from there.
    for (let row: usize = 0; row < <usize>rows; row++) padded(scratch + (row << 6), input + row * stride, columns, 16);
    source = scratch;
    leap = 64;
  }
  const most = f32x4.splat(-Infinity);
  const least = f32x4.splat(Infinity);
  let least0 = least, least1 = least, least2 = least, least3 = least;
  let most0 = most, most1 = most, most2 = most, most3 = most;
  let to = scratch;
  for (let row = 0; row < rows; row++, to += 64, source += leap) {
    const a = v128.load(source);
    const b = v128.load(source, 16);
    const c = v128.load(source, 32);
    const d = v128.load(source, 48);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    const e = finite(a), f = finite(b), g = finite(c), h = finite(d);
    least0 = lower(least0, e);
    least1 = lower(least1, f);
    least2 = lower(least2, g);
    least3 = lower(least3, h);
    most0 = higher(most0, e);
    most1 = higher(most1, f);
    most2 = higher(most2, g);
    most3 = higher(most3, h);
  }
  for (; to < end; to += 16) v128.store(to, nothing);

  fourColumns(scratch, columns, least0, most0, block, bits, symmetric, half, output, step, scales, zeroPoints, scaleStep);
  fourColumns(scratch + 16, columns - 4, least1, most1, block, bits, symmetric, half,
    output + step * 4, step, scales + (scaleStep << 4), zeroPoints + scaleStep * 4, scaleStep);
  fourColumns(scratch + 32, columns - 8, least2, most2, block, bits, symmetric, half,
    output + step * 8, step, scales + (scaleStep << 5), zeroPoints + scaleStep * 8, scaleStep);
  fourColumns(scratch + 48, columns - 12, least3, most3, block, bits, symmetric, half,
    output + step * 12, step, scales + scaleStep * 48, zeroPoints + scaleStep * 12, scaleStep);
}

/** The first four of `columns` columns (none, if that is not positive). */
// @ts-ignore: decorator
@inline function fourColumns(
  source: usize, columns: i32, least: v128, most: v128, block: i32, bits: i32, symmetric: bool, half: bool,
  output: usize, step: usize, scales: usize, zeroPoints: usize, scaleStep: usize,
): void {
  if (columns <= 0) return;
  columns = min(columns, 4);
  const end = source + (<usize>block << 6);
  const exact = scalesOf(least, most, bits, symmetric);
  const zero = zeroPointsOf(least, exact, bits, symmetric);
  const scale = storedScales(exact, half);
  for (let i = 0; i < columns; i++) {
    store<f32>(scales + ((scaleStep * i) << 2), lane<f32>(scale, i));
    if (!symmetric) store<u8>(zeroPoints + scaleStep * i, <u8>lane<i32>(zero, i));
  }

  const divisor = divisorsOf(scale);
  const point = f32x4.convert_i32x4_s(zero);
  const low = f32x4.neg(point);
  const high = f32x4.sub(f32x4.splat(bits == 4 ? 15 : 255), point);
  const bias = i32x4.sub(i32x4.splat(ROUNDING_BITS), zero);
  // A lane gathers the codes of one column, low bits first: when its 32 bits are full, they are four bytes of the result.
  const perWord = 32 / bits;
  for (let at = source; at < end; at += <usize>perWord << 6, output += 4) {
    let word = codes(v128.load(at), divisor, low, high, bias);
    word = add(word, at, 1, bits, divisor, low, high, bias);
    word = add(word, at, 2, bits, divisor, low, high, bias);
    word = add(word, at, 3, bits, divisor, low, high, bias);
    if (bits == 4) {
      word = add(word, at, 4, bits, divisor, low, high, bias);
      word = add(word, at, 5, bits, divisor, low, high, bias);
      word = add(word, at, 6, bits, divisor, low, high, bias);
      word = add(word, at, 7, bits, divisor, low, high, bias);
    }
    v128.store32_lane(output, word, 0);
    if (columns > 1) v128.store32_lane(output + step, word, 1);
    if (columns > 2) v128.store32_lane(output + step * 2, word, 2);
    if (columns > 3) v128.store32_lane(output + step * 3, word, 3);
  }
}

// @ts-ignore: decorator
@inline function add(
  word: v128, at: usize, index: i32, bits: i32, divisor: v128, low: v128, high: v128, bias: v128,
): v128 {
  return v128.or(word, i32x4.shl(codes(v128.load(at + (<usize>index << 6)), divisor, low, high, bias), index * bits));
}

// @ts-ignore: decorator
@inline function lane<T>(value: v128, index: i32): T {
  if (index == 0) return v128.extract_lane<T>(value, 0);
  if (index == 1) return v128.extract_lane<T>(value, 1);
  if (index == 2) return v128.extract_lane<T>(value, 2);
  return v128.extract_lane<T>(value, 3);
}
