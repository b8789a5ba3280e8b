// Sub-byte integers as ONNX stores them: low bits first, the last byte padded with zeros (onnx.proto, TensorProto.raw_data).

import { internal } from "../base/errors.js";

export type PackedBits = 1 | 2 | 4;

/** Packs codes, one a byte, of which the low `bits` bits count (two's complement for signed types). */
export function pack(codes: Uint8Array | Int8Array, bits: PackedBits): Uint8Array<ArrayBuffer> {
  const each = 8 / bits;
  const mask = (1 << bits) - 1;
  const packed = new Uint8Array(Math.ceil(codes.length / each));
  for (let i = 0; i < codes.length; i++) packed[(i / each) | 0]! |= (codes[i]! & mask) << ((i % each) * bits);
  return packed;
}

/** The first `count` codes of packed bytes, one a byte, unsigned. */
export function unpack(packed: Uint8Array, bits: PackedBits, count: number): Uint8Array<ArrayBuffer> {
  const codes = new Uint8Array(count);
  unpackInto(codes, packed, bits);
  return codes;
}

/** The first `count` codes of packed bytes, one a byte, sign extended. */
export function unpackSigned(packed: Uint8Array, bits: PackedBits, count: number): Int8Array<ArrayBuffer> {
  const codes = new Int8Array(count);
  unpackInto(codes, packed, bits);
  const shift = 32 - bits;
  for (let i = 0; i < count; i++) codes[i] = (codes[i]! << shift) >> shift;
  return codes;
}

/**
 * Packs each row of a [rows, columns] table of codes by itself, every row padded with zeros to whole bytes: the form of
 * the zero points of MatMulNBits.
 */
export function packRows(codes: Uint8Array, columns: number, bits: PackedBits): Uint8Array<ArrayBuffer> {
  const rows = columns === 0 ? 0 : codes.length / columns;
  const width = Math.ceil((columns * bits) / 8);
  const packed = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    packed.set(pack(codes.subarray(row * columns, (row + 1) * columns), bits), row * width);
  }
  return packed;
}

function unpackInto(codes: Uint8Array | Int8Array, packed: Uint8Array, bits: PackedBits): void {
  const each = 8 / bits;
  const mask = (1 << bits) - 1;
  for (let i = 0; i < codes.length; i++) codes[i] = (packed[(i / each) | 0]! >> ((i % each) * bits)) & mask;
}

/** A stream of fields of 1 to 16 bits, low bits first and without gaps, the last byte padded with zeros: ONNX's int2, int4, float6. */
export function packBits(
  codes: Uint8Array | Int8Array | Uint16Array | Int16Array,
  bits: number,
): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(Math.ceil((codes.length * checkedBits(bits)) / 8));
  const mask = (1 << bits) - 1;
  let held = 0;
  let count = 0;
  let at = 0;
  for (let i = 0; i < codes.length; i++) {
    held |= (codes[i]! & mask) << count;
    for (count += bits; count >= 8; count -= 8) {
      packed[at++] = held;
      held >>>= 8;
    }
  }
  if (count > 0) packed[at] = held;
  return packed;
}

export type ByteBits = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The first `count` fields of a stream, one an element, unsigned: bytes up to 8 bits, else words. Throws if the stream is shorter. */
export function unpackBits(packed: Uint8Array, bits: ByteBits, count: number): Uint8Array<ArrayBuffer>;
export function unpackBits(
  packed: Uint8Array,
  bits: number,
  count: number,
): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
export function unpackBits(packed: Uint8Array, bits: number, count: number) {
  const codes = checkedBits(bits) > 8 ? new Uint16Array(count) : new Uint8Array(count);
  if (packed.length < Math.ceil((count * bits) / 8)) {
    throw internal(`${count} codes of ${bits} bits need more than ${packed.length} bytes`);
  }
  const mask = (1 << bits) - 1;
  let held = 0;
  let filled = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (; filled < bits; filled += 8) held |= packed[at++]! << filled;
    codes[i] = held & mask;
    held >>>= bits;
    filled -= bits;
  }
  return codes;
}

function checkedBits(bits: number): number {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) throw internal(`fields of ${bits} bits cannot be packed`);
  return bits;
}

export {
  bitsPerCode,
  type Packing,
  type Plane,
  packCodes,
  packedBytes,
  packingFor,
  symbolTable,
  unpackCodes,
} from "./planes.js";
