// How a weight is cut into slabs, and how a stream of pieces is cut to their lengths.

import { internal } from "../base/errors.js";

/** A contiguous part of a row-major matrix: whole rows, or, where a row is longer than a slab, part of one row. */
export interface Slab {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  /** Bytes from the start of the matrix. */
  readonly offset: number;
  readonly length: number;
}

/** Large enough to hide the cost of a message, small enough that a few in flight are a small part of the memory bound. */
const SLAB_BYTES = 8 * 2 ** 20;
const SMALLEST_SLAB = 2 ** 20;

/**
 * Slabs of a [rows, columns] matrix in the order of its bytes. `multiple.rows`: slabs are whole rows in multiples of it,
 * however long they get; `multiple.columns`: where a row is cut, it is cut at multiples of it.
 */
export function slabsOf(
  rows: number,
  columns: number,
  elementBytes: number,
  threads: number,
  multiple: { readonly rows?: number; readonly columns?: number } = {},
): Slab[] {
  const total = rows * columns * elementBytes;
  // A weight smaller than two slabs per thread is still shared among the threads.
  return cut(
    rows,
    columns,
    elementBytes,
    Math.min(SLAB_BYTES, Math.max(SMALLEST_SLAB, total / (2 * threads))),
    multiple,
  );
}

/** The same with parts of at most `target` bytes. */
export function cut(
  rows: number,
  columns: number,
  elementBytes: number,
  target: number,
  multiple: { readonly rows?: number; readonly columns?: number } = {},
): Slab[] {
  const rowBytes = columns * elementBytes;
  if (rows === 0 || columns === 0) return [];
  const slabs: Slab[] = [];
  if (multiple.rows !== undefined || rowBytes <= target) {
    const quantum = multiple.rows ?? 1;
    const height = Math.max(quantum, Math.floor(target / rowBytes / quantum) * quantum);
    for (let row = 0; row < rows; row += height) {
      const count = Math.min(height, rows - row);
      slabs.push({ row, rows: count, column: 0, columns, offset: row * rowBytes, length: count * rowBytes });
    }
    return slabs;
  }
  const quantum = multiple.columns ?? 16;
  const width = Math.max(quantum, Math.floor(target / elementBytes / quantum) * quantum);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += width) {
      const count = Math.min(width, columns - column);
      const offset = row * rowBytes + column * elementBytes;
      slabs.push({ row, rows: 1, column, columns: count, offset, length: count * elementBytes });
    }
  }
  return slabs;
}

export interface Cutter {
  /** The next `length` bytes, in a buffer of their own (the pieces of a stream may be views of shared memory). */
  take(length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Lets the stream release what it holds, when it was not read to its end. */
  close(): Promise<void>;
}

export function cutter(stream: AsyncIterable<Uint8Array>): Cutter {
  const pieces = stream[Symbol.asyncIterator]();
  let piece = new Uint8Array(0) as Uint8Array;
  return {
    async take(length) {
      const bytes = new Uint8Array(length);
      let at = 0;
      while (at < length) {
        if (piece.byteLength === 0) {
          const next = await pieces.next();
          if (next.done) throw internal(`a weight ended ${length - at} bytes early`);
          piece = next.value;
          continue;
        }
        const part = piece.subarray(0, length - at);
        bytes.set(part, at);
        at += part.byteLength;
        piece = piece.subarray(part.byteLength);
      }
      return bytes;
    },
    async close() {
      await pieces.return?.();
    },
  };
}
