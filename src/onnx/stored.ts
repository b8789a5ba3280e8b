// The elements of a tensor as a file may store them (raw_data, or a typed field as packed floats or varints) and as the
// IR presents them (raw_data, always). The stored form is remembered, so that what was not changed is written as it was.
// Rules: onnx.proto, comments of TensorProto.

import type { ByteSource } from "../base/bytes.js";
import { invalid } from "../base/errors.js";
import { byteCount, DTYPES, type DType, elementCount } from "../tensor/dtype.js";
import { bytesData, CHUNK, derivedData, sourceData, type TensorData } from "../tensor/tensor.js";
import { Spelling } from "./kept.js";
import type { Part } from "./parts.js";
import { PAYLOAD, type PayloadField } from "./tables.js";
import { Unpacker } from "./varints.js";

export interface Stored {
  readonly dtype: DType;
  /** Undefined: an empty tensor without any payload field. */
  readonly field: PayloadField | undefined;
  /** The bytes of the field, one after another. */
  readonly pieces: readonly TensorData[];
}

/** How the file stored the data of a tensor, where that is not plain non-empty raw_data. */
export const storedForms = new Spelling<TensorData, Stored>();

/** The typed field for elements of a type. */
export function typedField(dtype: DType): PayloadField | undefined {
  if (dtype === "string") return undefined;
  if (dtype === "float32" || dtype === "complex64") return PAYLOAD.float;
  if (dtype === "float64" || dtype === "complex128") return PAYLOAD.double;
  if (dtype === "int64") return PAYLOAD.int64;
  if (dtype === "uint32" || dtype === "uint64") return PAYLOAD.uint64;
  return PAYLOAD.int32;
}

/** The data of a tensor from the parts of its one payload field, sizes checked as far as they can be without reading. */
export function storedData(
  source: ByteSource,
  dtype: DType,
  dims: readonly number[],
  field: PayloadField,
  parts: readonly Part[],
  where: string,
): TensorData {
  const expected = byteCount(dtype, dims);
  const pieces = (field === PAYLOAD.raw ? parts.slice(-1) : parts).map((part) =>
    "bytes" in part ? bytesData(part.bytes) : sourceData(source, part.offset, part.length),
  );
  const stored = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  if (field !== PAYLOAD.int32 && field !== PAYLOAD.int64 && field !== PAYLOAD.uint64) {
    if (stored !== expected) throw wrongSize(where, dtype, dims, `${expected} bytes`, `${stored} bytes`);
    const data = pieces.length === 1 ? pieces[0]! : joined(pieces);
    return field === PAYLOAD.raw && stored > 0 ? data : storedForms.note(data, { dtype, field, pieces });
  }
  const count = varintCount(dtype, dims);
  if (stored < count || stored > 10 * count) {
    throw wrongSize(where, dtype, dims, `${count} numbers`, `${stored} bytes of numbers`);
  }
  const inMemory = parts.every((part) => "bytes" in part);
  const data = inMemory
    ? bytesData(unpackNow(parts as readonly { bytes: Uint8Array }[], dtype, dims, where))
    : derivedData(expected, () => unpack(pieces, dtype, dims, where));
  return storedForms.note(data, { dtype, field, pieces });
}

/** Numbers in the typed field: sub-byte integers and float4 stand there as packed bytes, float6 one by one. */
const varintCount = (dtype: DType, dims: readonly number[]): number =>
  DTYPES[dtype].bits < 6 ? byteCount(dtype, dims) : elementCount(dims);

function unpackNow(parts: readonly { bytes: Uint8Array }[], dtype: DType, dims: readonly number[], where: string) {
  const unpacker = new Unpacker(DTYPES[dtype].bits, where);
  const bytes = new Uint8Array(byteCount(dtype, dims));
  let at = 0;
  const add = (piece: Uint8Array) => {
    if (at + piece.length > bytes.length) throw wrongCount(where, dtype, dims);
    bytes.set(piece, at);
    at += piece.length;
  };
  for (const part of parts) add(unpacker.push(part.bytes));
  add(unpacker.end());
  if (at !== bytes.length) throw wrongCount(where, dtype, dims);
  return bytes;
}

async function* unpack(pieces: readonly TensorData[], dtype: DType, dims: readonly number[], where: string) {
  const unpacker = new Unpacker(DTYPES[dtype].bits, where);
  const expected = byteCount(dtype, dims);
  let given = 0;
  // One byte of varints may become eight: pieces are read so small that what is yielded stays within CHUNK.
  const step = CHUNK / 8;
  for (const piece of pieces) {
    for (let at = 0; at < piece.byteLength; at += step) {
      const bytes = unpacker.push(await piece.read(at, Math.min(at + step, piece.byteLength)));
      given += bytes.length;
      if (given > expected) throw wrongCount(where, dtype, dims);
      yield bytes;
    }
  }
  const last = unpacker.end();
  if (given + last.length !== expected) throw wrongCount(where, dtype, dims);
  yield last;
}

function joined(pieces: readonly TensorData[]): TensorData {
  const total = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  return derivedData(total, async function* () {
    for (const piece of pieces) yield* piece.stream();
  });
}

const wrongCount = (where: string, dtype: DType, dims: readonly number[]) =>
  wrongSize(where, dtype, dims, `${varintCount(dtype, dims)} numbers`, "another number of them");

const wrongSize = (where: string, dtype: DType, dims: readonly number[], expected: string, found: string) =>
  invalid("tensor-size", `The data of tensor "${where}" does not fit its type and dimensions, ${dtype}[${dims}].`, {
    node: where,
    expected,
    found,
  });
