// Blockwise codes of 4 and 8 bits, blocks down the rows, written transposed.

import { divisorsOf, lane, NAN, padded, scalesOf, storedScales, zeroPointsOf } from "./blocks";
import { codes, finite, higher, lower, ROUNDING_BITS } from "./vectors";

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
