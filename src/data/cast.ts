// Values in the element type that a model input takes.

import { invalid, unsupported } from "../base/errors.js";
import type { DType } from "../tensor/dtype.js";
import { fromFloat16, toFloat16 } from "../tensor/float16.js";
import type { Numbers, Value } from "../tensor/value.js";

/** Integer types by the typed array that holds them, with the range that values are clamped to. */
const INTEGERS: Partial<Record<DType, { make: (n: number) => Numbers; min: number; max: number }>> = {
  int8: { make: (n) => new Int8Array(n), min: -128, max: 127 },
  uint8: { make: (n) => new Uint8Array(n), min: 0, max: 255 },
  int16: { make: (n) => new Int16Array(n), min: -32768, max: 32767 },
  uint16: { make: (n) => new Uint16Array(n), min: 0, max: 65535 },
  int32: { make: (n) => new Int32Array(n), min: -(2 ** 31), max: 2 ** 31 - 1 },
  uint32: { make: (n) => new Uint32Array(n), min: 0, max: 2 ** 32 - 1 },
  int64: { make: (n) => new BigInt64Array(n), min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  uint64: { make: (n) => new BigUint64Array(n), min: 0, max: Number.MAX_SAFE_INTEGER },
};

/**
 * The same values in another element type: floats round to the nearest integer (halves to even) and are clamped to
 * its range; bool is "not 0". Throws `unsupported("data-cast")` for types that data is not made in.
 */
export function cast(value: Value, dtype: DType): Value {
  if (value.dtype === dtype) return value;
  return { dtype, dims: value.dims, data: convert(numbers(value), dtype) };
}

/** A Value from plain numbers. */
export const makeValue = (dtype: DType, dims: readonly number[], values: ArrayLike<number>): Value => ({
  dtype,
  dims,
  data: convert(values, dtype),
});

/** The elements as JavaScript numbers; 64-bit integers must be exact in them. */
export function numbers(value: Value): ArrayLike<number> {
  const { data, dtype } = value;
  if (dtype === "float16") return fromFloat16(data as Uint16Array);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  if (dtype === "string" || Array.isArray(data)) throw unsupported("data-cast", "Text cannot be fed as numbers.");
  return data as Exclude<Numbers, BigInt64Array | BigUint64Array>;
}

function convert(values: ArrayLike<number>, dtype: DType): Numbers {
  if (dtype === "float32") return Float32Array.from(values);
  if (dtype === "float64") return Float64Array.from(values);
  if (dtype === "float16") return toFloat16(Float32Array.from(values));
  if (dtype === "bool") return Uint8Array.from(values, (x) => (x === 0 ? 0 : 1));
  const integer = INTEGERS[dtype];
  if (!integer) throw unsupported("data-cast", `Data cannot be made in element type ${dtype}.`);
  const out = integer.make(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (Number.isNaN(x)) throw invalid("data-nan", `A value that is not a number cannot be fed as ${dtype}.`);
    const rounded = Math.min(Math.max(Number.isInteger(x) ? x : nearestEven(x), integer.min), integer.max);
    if (out instanceof BigInt64Array || out instanceof BigUint64Array) out[i] = BigInt(rounded);
    else out[i] = rounded;
  }
  return out;
}

function nearestEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}
