// Puts payloads into a skeleton: the bytes of the final message as pieces, all lengths known before a payload is read.

import type { TensorData } from "../tensor/tensor.js";
import { slotIndex } from "./parts.js";
import { modelTable, type PayloadField, PRIVATE_FIELD, type Table } from "./tables.js";

export interface Payload {
  readonly field: PayloadField;
  readonly pieces: readonly TensorData[];
}

export type Piece = Uint8Array | TensorData;

export const pieceLength = (piece: Piece): number => piece.byteLength;

/** The pieces of the message that `skeleton` becomes when each slot is replaced by its payload. */
export function layOut(skeleton: Uint8Array, payloads: readonly Payload[]): readonly Piece[] {
  const layout = new Layout(skeleton, payloads);
  layout.message(modelTable, 0, skeleton.length);
  return layout.finish();
}

class Layout {
  private readonly pieces: Piece[] = [];
  /** Skeleton bytes up to here are in `pieces`. */
  private written = 0;
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly payloads: readonly Payload[],
  ) {}

  /** Walks one message; gives the number of bytes that it grows by, 0 when nothing in it is replaced. */
  message(table: Table, begin: number, end: number): number {
    let growth = 0;
    this.at = begin;
    while (this.at < end) {
      const start = this.at;
      const tag = this.varint();
      const number = Math.floor(tag / 8);
      if (tag % 8 !== 2) {
        this.skip(tag % 8);
        continue;
      }
      const lengthAt = this.at;
      const length = this.varint();
      const contentEnd = this.at + length;
      const known = table.fields[number];
      if (number === PRIVATE_FIELD && table.name === "TensorProto") {
        growth += this.payload(start, contentEnd);
      } else if (known?.kind === "message" && known.table.holdsTensors) {
        growth += this.child(known.table, lengthAt, this.at, contentEnd);
      }
      this.at = contentEnd;
    }
    return growth;
  }

  finish(): readonly Piece[] {
    this.flush(this.bytes.length);
    return this.pieces;
  }

  private child(table: Table, lengthAt: number, begin: number, end: number): number {
    // The new length is known after the walk: keep its place, and take it back when nothing was replaced.
    const place = this.pieces.length;
    const { written } = this;
    this.flush(lengthAt);
    const lengthPlace = this.pieces.length;
    this.pieces.push(this.bytes);
    this.written = begin;
    const growth = this.message(table, begin, end);
    if (this.written === begin) {
      this.pieces.length = place;
      this.written = written;
      return 0;
    }
    const length = encodeVarint(end - begin + growth);
    this.pieces[lengthPlace] = length;
    return growth + length.length - (begin - lengthAt);
  }

  private payload(start: number, end: number): number {
    const { field, pieces } = this.payloads[slotIndex(this.bytes.subarray(this.at, end))]!;
    const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const head = Uint8Array.of(field * 8 + 2, ...encodeVarint(length));
    this.flush(start);
    this.pieces.push(head, ...pieces);
    this.written = end;
    return head.length + length - (end - start);
  }

  private flush(to: number): void {
    if (to > this.written) this.pieces.push(this.bytes.subarray(this.written, to));
    this.written = to;
  }

  private varint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  private skip(wire: number): void {
    if (wire === 1) this.at += 8;
    else if (wire === 5) this.at += 4;
    else this.varint();
  }
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
