// The safetensors format: eight bytes with the length of a JSON header, the header, then the tensors one after another.
// Source: https://huggingface.co/docs/safetensors. Offsets are checked before anything is read: files are hostile.

import { internal, invalid } from "../base/errors.js";
import { byteCount, type DType } from "../tensor/dtype.js";
import type { Numbers, Value } from "../tensor/value.js";

const NAMES: Partial<Record<DType, string>> = {
  float32: "F32",
  float64: "F64",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
};
const TYPES: Readonly<Record<string, DType>> = {
  F32: "float32",
  F64: "float64",
  I32: "int32",
  I64: "int64",
  U8: "uint8",
};
const ARRAYS: Partial<Record<DType, new (buffer: ArrayBuffer) => Numbers>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
};
/** A header is a few hundred bytes a tensor. */
const MOST_HEADER = 512 * 2 ** 20;

export interface Tensors {
  readonly values: Readonly<Record<string, Value>>;
  /** Strings beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

export function writeSafetensors({ values, metadata }: Tensors): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const [name, { dtype, dims }] of Object.entries(values)) {
    const type = NAMES[dtype];
    if (type === undefined) throw internal(`a checkpoint does not hold ${dtype}`);
    const end = at + byteCount(dtype, dims);
    header[name] = { dtype: type, shape: dims, data_offsets: [at, end] };
    at = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Spaces up to a multiple of eight, so that the tensors are aligned.
  const length = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.fill(0x20, 8, 8 + length);
  file.set(text, 8);
  let to = 8 + length;
  for (const { data } of Object.values(values)) {
    const { buffer, byteOffset, byteLength } = data as Numbers;
    file.set(new Uint8Array(buffer, byteOffset, byteLength), to);
    to += byteLength;
  }
  return file;
}

/** Throws `invalid("checkpoint-damaged")` for anything that is no such file, or not a whole one. */
export function readSafetensors(file: Uint8Array, name: string): Tensors {
  const damaged = (why: string) => invalid("checkpoint-damaged", `${name} is no whole checkpoint: ${why}.`);
  const bytes = file.slice();
  if (bytes.length < 8) throw damaged("it is too short");
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (length > MOST_HEADER || 8 + length > bytes.length) throw damaged("its header leaves the file");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw damaged("its header is not JSON");
  }
  if (typeof header !== "object" || header === null) throw damaged("its header is not an object");
  const { __metadata__: found, ...entries } = header as Record<string, unknown>;
  const values: Record<string, Value> = {};
  let at = 0;
  for (const [key, entry] of Object.entries(entries)) {
    const { dtype: type, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const dtype = TYPES[String(type)];
    const array = dtype && ARRAYS[dtype];
    if (!array || !isSizes(shape) || !isSizes(offsets)) throw damaged(`the entry "${key}" is not understood`);
    const [from, to] = offsets;
    if (from !== at || to !== at + byteCount(dtype, shape) || 8 + length + to > bytes.length) {
      throw damaged(`the bytes of "${key}" are not where it says`);
    }
    at = to;
    values[key] = { dtype, dims: shape, data: new array(bytes.slice(8 + length + from, 8 + length + to).buffer) };
  }
  if (8 + length + at !== bytes.length) throw damaged("bytes are missing or too many");
  const metadata = Object.entries(found ?? {}).map(([key, value]) => [key, String(value)] as const);
  return { values, metadata: Object.fromEntries(metadata) };
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
