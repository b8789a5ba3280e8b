// Sub-byte integers as ONNX stores them: low bits first, the last byte padded with zeros (onnx.proto, TensorProto.raw_data).

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
