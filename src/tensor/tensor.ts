// A tensor is an element type, dimensions, and a promise of bytes: weights stay in their file until someone reads them.

import type { ByteSource } from "../base/bytes.js";
import { internal } from "../base/errors.js";
import { byteCount, type DType } from "./dtype.js";

export interface Tensor {
  readonly dtype: DType;
  /** Non-negative integers; `[]` is a scalar. */
  readonly dims: readonly number[];
  /** The elements as ONNX raw_data: little endian, sub-byte types packed low bits first. Empty for strings. */
  readonly data: TensorData;
  /** The elements of a string tensor, as the raw UTF-8 bytes of the file. Only for dtype "string". */
  readonly strings?: readonly Uint8Array[];
}

export interface TensorData {
  readonly byteLength: number;
  /** Bytes [begin, end), default all. May be a view of shared memory: never write into it. */
  read(begin?: number, end?: number): Promise<Uint8Array>;
  /** The same bytes in order, in pieces of bounded size. What `save` uses, so a large tensor is never whole in memory. */
  stream(): AsyncIterable<Uint8Array>;
  /** Where the bytes stand in a file, when they stand there unchanged: workers read them directly. */
  readonly span?: { readonly source: ByteSource; readonly offset: number };
  /** The bytes, where they are in memory already: shapes and axes, which plans are made by without waiting. */
  readonly bytes?: Uint8Array;
}

/** Pieces that `stream` yields are at most this long. */
export const CHUNK = 8 * 2 ** 20;

export function bytesData(bytes: Uint8Array): TensorData {
  return {
    byteLength: bytes.byteLength,
    bytes,
    read: async (begin = 0, end = bytes.byteLength) => bytes.subarray(begin, end),
    async *stream() {
      yield bytes;
    },
  };
}

export function sourceData(source: ByteSource, offset: number, byteLength: number): TensorData {
  return {
    byteLength,
    span: { source, offset },
    read: (begin = 0, end = byteLength) => source.read(offset + begin, end - begin),
    async *stream() {
      for (let at = 0; at < byteLength; at += CHUNK) {
        yield await source.read(offset + at, Math.min(CHUNK, byteLength - at));
      }
    },
  };
}

/**
 * Data that is computed when it is pulled. `produce` yields the pieces in order, `byteLength` bytes in all, and is
 * called anew for each pull: keep what is dear (see `quantize/computation`), not here.
 */
export function derivedData(byteLength: number, produce: () => AsyncIterable<Uint8Array>): TensorData {
  return {
    byteLength,
    stream: produce,
    async read(begin = 0, end = byteLength) {
      const whole = new Uint8Array(end - begin);
      let at = 0;
      for await (const piece of produce()) {
        const from = Math.max(begin - at, 0);
        const to = Math.min(end - at, piece.byteLength);
        if (to > from) whole.set(piece.subarray(from, to), at + from - begin);
        at += piece.byteLength;
        if (at >= end) break;
      }
      if (at < end) throw internal(`a derived tensor gave ${at} bytes of ${byteLength}`);
      return whole;
    },
  };
}

/** A tensor over bytes in memory. Throws when their number does not fit the dimensions. */
export function tensor(dtype: DType, dims: readonly number[], bytes: ArrayBufferView): Tensor {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength !== byteCount(dtype, dims)) {
    throw internal(`${dtype}[${dims}] needs ${byteCount(dtype, dims)} bytes, got ${view.byteLength}`);
  }
  return { dtype, dims, data: bytesData(view) };
}

export const float32 = (dims: readonly number[], values: Iterable<number>) =>
  tensor("float32", dims, Float32Array.from(values));
export const int64 = (dims: readonly number[], values: Iterable<number | bigint>) =>
  tensor(
    "int64",
    dims,
    BigInt64Array.from(values, (value) => BigInt(value)),
  );
