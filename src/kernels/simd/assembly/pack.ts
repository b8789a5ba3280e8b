// Codes, one a byte, to the planes of a packing (../../../tensor/packing.ts), and to the order of native operators.

/** The plane of digits code / multiplier mod radix, `each` of them a byte. `codes` are readable to 16 past the end. */
export function packPlane(codes: usize, count: i32, radix: i32, each: i32, multiplier: i32, output: usize): void {
  // Past the end stand no digits.
  memory.fill(codes + <usize>count, 0, 16);
  const shift = ctz(multiplier);
  const powers = popcnt(radix) == 1 && popcnt(multiplier) == 1;
  if (powers && each == 1) bytes(codes, count, shift, output);
  else if (powers && each == 2) halves(codes, count, shift, output);
  else if (powers && each == 4) quarters(codes, count, shift, output);
  else if (powers && each == 8) bits(codes, count, shift, output);
  else digits(codes, count, radix, each, multiplier, output);
}

function bytes(codes: usize, count: i32, shift: i32, output: usize): void {
  for (const end = codes + <usize>count; codes < end; codes += 16, output += 16) {
    v128.store(output, i8x16.shr_u(v128.load(codes), shift));
  }
}

function halves(codes: usize, count: i32, shift: i32, output: usize): void {
  const mask = i16x8.splat(255);
  for (const end = codes + <usize>count; codes < end; codes += 16, output += 8) {
    const digit = v128.and(i8x16.shr_u(v128.load(codes), shift), i8x16.splat(15));
    // Each 16-bit lane holds two digits, the first in its low byte: bring the second beside it.
    const pairs = v128.and(v128.or(digit, i16x8.shr_u(digit, 4)), mask);
    v128.store64_lane(output, i8x16.narrow_i16x8_u(pairs, pairs), 0);
  }
}

function quarters(codes: usize, count: i32, shift: i32, output: usize): void {
  for (const end = codes + <usize>count; codes < end; codes += 16, output += 4) {
    const digit = v128.and(i8x16.shr_u(v128.load(codes), shift), i8x16.splat(3));
    const pairs = v128.or(digit, i16x8.shr_u(digit, 6));
    const four = v128.and(v128.or(pairs, i32x4.shr_u(pairs, 12)), i32x4.splat(255));
    const words = i16x8.narrow_i32x4_u(four, four);
    v128.store32_lane(output, i8x16.narrow_i16x8_u(words, words), 0);
  }
}

function bits(codes: usize, count: i32, shift: i32, output: usize): void {
  // A digit of 1 becomes the sign of its byte, and the signs of 16 bytes two bytes.
  for (const end = codes + <usize>count; codes < end; codes += 16, output += 2) {
    store<u16>(output, <u16>i8x16.bitmask(i8x16.shl(i8x16.shr_u(v128.load(codes), shift), 7)));
  }
}

function digits(codes: usize, count: i32, radix: i32, each: i32, multiplier: i32, output: usize): void {
  for (const end = codes + <usize>count; codes < end; codes += <usize>each, output++) {
    let byte = 0;
    if (multiplier == 1) for (let i = each - 1; i >= 0; i--) byte = byte * radix + <i32>load<u8>(codes + i);
    else for (let i = each - 1; i >= 0; i--) byte = byte * radix + (<i32>load<u8>(codes + i) / multiplier) % radix;
    store<u8>(output, <u8>byte);
  }
}

/** Codes of [rows, columns] to [columns, rows], `step` bytes from column to column. */
export function transposeCodes(codes: usize, rows: i32, columns: i32, output: usize, step: usize): void {
  for (let top = 0; top < rows; top += 16) {
    const bottom = min(top + 16, rows);
    for (let column = 0; column < columns; column++) {
      let from = codes + <usize>top * <usize>columns + <usize>column;
      let to = output + <usize>column * step + <usize>top;
      for (let row = top; row < bottom; row++, from += <usize>columns, to++) store<u8>(to, load<u8>(from));
    }
  }
}
