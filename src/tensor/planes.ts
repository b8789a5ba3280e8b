// How self-extracting weights hold codes of any number of levels in whole bytes: one or more planes, each with several digits a
// byte, so that a decoder needs no bit that crosses a byte: one Gather of 256 rows, or a division by constants, a plane.

import { internal } from "../base/errors.js";

export interface Plane {
  /** A digit is 0 .. radix - 1. */
  readonly radix: number;
  /** Digits a byte, the first in the lowest place: byte = sum of digit[i] * radix^i. radix^each <= 256. */
  readonly each: number;
  /** What a digit counts in the code: code = sum over planes of digit * multiplier. */
  readonly multiplier: number;
}

export interface Packing {
  /** Codes are 0 .. levels - 1. */
  readonly levels: number;
  readonly planes: readonly Plane[];
}

/**
 * The packing of `levels` codes (2 to 256, or 65536): one plane of that radix where this needs fewer bits than planes of 4, 2
 * and 1 bits (3 levels: five digits a byte, 1.6 bits; 5 and 6: three, 2.67 bits), else the planes of bits, high bits first
 * (8 levels: 2 + 1 bits; 128: 4 + 2 + 1). The low bits of a weight's codes are noise: beside each other, the high ones compress
 * (measured on real weights with brotli: 3 bits 5 to 6 % smaller than with the low bits first, 5 bits 4 to 5 %). Where both need the same, one plane of bits: decoders may shift. Radices are not mixed
 * (9 levels as 3 x 3 would take 3.2 bits instead of 4): seldom of use, and each plane costs nodes and time at load.
 */
export function packingFor(levels: number): Packing {
  if (levels === 65536) return { levels, planes: [bitPlane(8, 1), bitPlane(8, 256)] };
  if (!Number.isInteger(levels) || levels < 2 || levels > 256) throw internal(`no packing of ${levels} levels`);
  let bits = 1;
  while (2 ** bits < levels) bits++;
  const digits = digitsPerByte(levels);
  if (8 < bits * digits) return { levels, planes: [{ radix: levels, each: digits, multiplier: 1 }] };
  const planes: Plane[] = [];
  for (const width of [8, 4, 2, 1]) {
    if ((bits & width) === 0) continue;
    bits -= width;
    planes.push(bitPlane(width, 2 ** bits));
  }
  return { levels, planes };
}

const bitPlane = (bits: number, multiplier: number): Plane => ({ radix: 2 ** bits, each: 8 / bits, multiplier });

/** The largest n with radix^n <= 256. */
function digitsPerByte(radix: number): number {
  let digits = 0;
  for (let numbers = radix; numbers <= 256; numbers *= radix) digits++;
  return digits;
}

/** Bits that a code takes in the file, without the padding of each plane's last byte. */
export const bitsPerCode = (packing: Packing): number => packing.planes.reduce((sum, plane) => sum + 8 / plane.each, 0);

/** Bytes of `count` codes: the planes one after the other, each of whole bytes. */
export const packedBytes = (packing: Packing, count: number): number =>
  packing.planes.reduce((sum, plane) => sum + Math.ceil(count / plane.each), 0);

/** Packs codes, the last byte of each plane padded with the digit 0. Throws on a code that is not below `levels`. */
export function packCodes(packing: Packing, codes: Uint8Array | Uint16Array): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(packedBytes(packing, codes.length));
  let top = 0;
  for (let i = 0; i < codes.length; i++) top = Math.max(top, codes[i]!);
  if (top >= packing.levels) throw internal(`code ${top} in a packing of ${packing.levels} levels`);
  let at = 0;
  for (const { radix, each, multiplier } of packing.planes) {
    for (let first = 0; first < codes.length; first += each) {
      let byte = 0;
      for (let i = Math.min(first + each, codes.length) - 1; i >= first; i--) {
        byte = byte * radix + (((codes[i]! / multiplier) | 0) % radix);
      }
      packed[at++] = byte;
    }
  }
  return packed;
}

/** The first `count` codes: bytes up to 256 levels, else words. Throws if `bytes` are fewer than `packedBytes`. */
export function unpackCodes(
  packing: Packing,
  bytes: Uint8Array,
  count: number,
): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const needed = packedBytes(packing, count);
  if (bytes.length < needed) throw internal(`${count} codes need ${needed} bytes, got ${bytes.length}`);
  const codes = packing.levels > 256 ? new Uint16Array(count) : new Uint8Array(count);
  let at = 0;
  for (const plane of packing.planes) {
    const { each, multiplier } = plane;
    const table = symbolTable(plane);
    for (let first = 0; first < count; first += each) {
      const row = bytes[at++]! * each;
      for (let i = Math.min(first + each, count) - 1; i >= first; i--) {
        codes[i] = codes[i]! + table[row + i - first]! * multiplier;
      }
    }
  }
  return codes;
}

/** [256, each]: the digits of every byte, the first digit first. Bytes from radix^each on, which are never written, are rows of 0. */
export function symbolTable(plane: Plane): Uint8Array<ArrayBuffer> {
  const { radix, each } = plane;
  const table = new Uint8Array(256 * each);
  for (let byte = 0; byte < radix ** each && byte < 256; byte++) {
    for (let i = 0, rest = byte; i < each; i++, rest = Math.floor(rest / radix)) table[byte * each + i] = rest % radix;
  }
  return table;
}
