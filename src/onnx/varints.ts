// Packed protobuf varints as the elements of a tensor, little endian, piece by piece.

import { invalid } from "../base/errors.js";

/** Turns varints into elements of `bits` bits. Sub-byte elements below 6 bits come packed, one byte a varint. */
export class Unpacker {
  private low = 0;
  private high = 0;
  private shift = 0;
  /** Bits of float6 elements that do not fill a byte yet, and how many. */
  private pending = 0;
  private pendingBits = 0;
  private readonly width: number;

  constructor(
    private readonly bits: number,
    private readonly where: string,
  ) {
    this.width = Math.max(1, bits / 8);
  }

  /** The whole elements that end in `packed`, which may begin and end in the middle of a varint. */
  push(packed: Uint8Array): Uint8Array {
    const width = this.bits === 6 ? 1 : this.width;
    // At most one element a byte: every varint ends in one.
    const out = new Uint8Array(packed.length * width);
    let at = 0;
    for (let i = 0; i < packed.length; i++) {
      const byte = packed[i]!;
      const seven = byte & 0x7f;
      if (this.shift < 28) this.low |= seven << this.shift;
      else if (this.shift === 28) {
        this.low |= seven << 28;
        this.high = seven >>> 4;
      } else this.high |= seven << (this.shift - 32);
      if (byte >= 0x80) {
        this.shift += 7;
        if (this.shift > 63) throw this.broken("has a number of more than ten bytes");
        continue;
      }
      at = this.bits === 6 ? this.six(out, at) : this.element(out, at);
      this.low = 0;
      this.high = 0;
      this.shift = 0;
    }
    return out.subarray(0, at);
  }

  /** The last byte, of elements that did not fill it. Throws when the last varint is not whole. */
  end(): Uint8Array {
    if (this.shift !== 0) throw this.broken("ends in the middle of a number");
    return this.pendingBits === 0 ? new Uint8Array(0) : Uint8Array.of(this.pending);
  }

  private element(out: Uint8Array, at: number): number {
    for (let i = 0; i < this.width; i++) {
      out[at + i] = i < 4 ? this.low >>> (8 * i) : this.high >>> (8 * (i - 4));
    }
    return at + this.width;
  }

  /** float6: one element a varint in the file, a stream of six-bit fields in raw_data, lowest bits first. */
  private six(out: Uint8Array, at: number): number {
    this.pending |= (this.low & 0x3f) << this.pendingBits;
    this.pendingBits += 6;
    if (this.pendingBits < 8) return at;
    out[at] = this.pending & 0xff;
    this.pending >>>= 8;
    this.pendingBits -= 8;
    return at + 1;
  }

  private broken(what: string) {
    return invalid("protobuf-broken", `The packed data of tensor "${this.where}" ${what}.`, { node: this.where });
  }
}

/** One varint, for the rare tensors whose elements a file holds unpacked. */
export function packVarints(values: readonly (number | bigint)[]): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
  }
  return Uint8Array.from(bytes);
}
