// A byte buffer that grows, with the few protobuf forms that the skeletons need.

import type { PareError } from "../base/errors.js";

export class GrowingBytes {
  private bytes = new Uint8Array(64 * 1024);
  length = 0;

  constructor(
    private readonly most: number,
    private readonly tooLarge: (found: number) => PareError,
  ) {}

  /** Throws, before taking memory, when `count` more bytes would pass the bound. */
  mayGrow(count: number): void {
    const needed = this.length + count;
    if (needed > this.most) throw this.tooLarge(needed);
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  append(from: Uint8Array, begin: number, end: number): void {
    const count = end - begin;
    this.mayGrow(count);
    const to = this.bytes;
    // Most fields are a few bytes: a loop beats subarray and set.
    if (count < 24) for (let i = 0; i < count; i++) to[this.length + i] = from[begin + i]!;
    else to.set(from.subarray(begin, end), this.length);
    this.length += count;
  }

  byte(value: number): void {
    this.mayGrow(1);
    this.bytes[this.length++] = value;
  }

  /** `value` is a non-negative safe integer. */
  varint(value: number): void {
    this.mayGrow(10);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[this.length++] = (rest % 0x80) | 0x80;
    this.bytes[this.length++] = rest;
  }

  float64(value: number): void {
    this.mayGrow(8);
    new DataView(this.bytes.buffer).setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Room for a length that is not known yet: five bytes hold 2^35, and a varint may be longer than it need be. */
  reserveLength(): number {
    this.mayGrow(5);
    this.length += 5;
    return this.length;
  }

  /** Writes into the room before `begin` the number of bytes from there to here. */
  patchLength(begin: number): void {
    let rest = this.length - begin;
    for (let i = 5; i > 0; i--) {
      this.bytes[begin - i] = (rest % 0x80) | (i > 1 ? 0x80 : 0);
      rest = Math.floor(rest / 0x80);
    }
  }

  view(begin: number): Uint8Array {
    return this.bytes.subarray(begin, this.length);
  }

  done(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
