// Bytes of bare numbers as a Value, whatever their byte order.

import { invalid } from "../base/errors.js";
import { DTYPES } from "../tensor/dtype.js";
import type { Numbers, Value } from "../tensor/value.js";

/** Element types that files of numbers come in. */
export const ELEMENTS = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
  "float16",
  "float32",
  "float64",
  "bool",
] as const;
export type Element = (typeof ELEMENTS)[number];

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  float16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Bytes of one element. */
export const elementBytes = (dtype: Element): number => DTYPES[dtype].bits / 8;

/** A copy of the bytes as numbers; dims default to one dimension. Throws `invalid("data-length")` when bytes are left over. */
export function elements(bytes: Uint8Array, dtype: Element, order: "little" | "big", dims?: readonly number[]): Value {
  const width = elementBytes(dtype);
  if (bytes.byteLength % width !== 0) {
    throw invalid("data-length", `${bytes.byteLength} bytes are not a whole number of ${dtype} elements.`);
  }
  const copy = bytes.slice();
  if (order === "big") {
    for (let at = 0; at < copy.length; at += width) copy.subarray(at, at + width).reverse();
  }
  const data: Numbers = new ARRAYS[dtype](copy.buffer);
  return { dtype, dims: dims ?? [data.length], data };
}
