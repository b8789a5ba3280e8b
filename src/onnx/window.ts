// A moving window over a ByteSource: the walker reads bytes one by one, the source is asked in pieces.

import type { ByteSource } from "../base/bytes.js";

/** After a jump over a payload: the fields between two weights take some 100 bytes. */
const FIRST = 16 * 1024;
/** While reading on without a jump the window doubles up to this. */
const LARGEST = 2 ** 20;

export class Window {
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset in the source of `bytes[0]`. */
  base = 0;
  private length = FIRST;

  constructor(private readonly source: ByteSource) {}

  /** Whether bytes [at, at + count) are in the window. The caller has checked that they are in the source. */
  holds(at: number, count: number): boolean {
    return at >= this.base && at + count <= this.base + this.bytes.length;
  }

  /** Moves the window so that it begins at `at` and holds `count` bytes, or all up to the end of the source. */
  async move(at: number, count: number): Promise<void> {
    const sequential = at <= this.base + this.bytes.length;
    this.length = sequential ? Math.min(2 * this.length, LARGEST) : FIRST;
    const length = Math.min(Math.max(this.length, count), this.source.size - at);
    this.bytes = await this.source.read(at, length);
    this.base = at;
  }
}
