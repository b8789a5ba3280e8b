// Feeds as a session wants them, and the plainest feeds there are.

import { invalid } from "../base/errors.js";
import type { Model } from "../ir/model.js";
import { type DType, elementCount } from "../tensor/dtype.js";
import { fromFloat16Bits, toFloat16Bits } from "../tensor/float16.js";
import type { Feeds, Numbers, Value } from "../tensor/value.js";
import { type Binding, feedInputs } from "./dims.js";
import type { PortInfo } from "./runtime.js";

/**
 * The feeds that a session's inputs take, in the element types that they take: a reference and a result may differ in
 * both (float16 inputs, an input that was removed). Floats convert among each other, and integers among each other.
 */
export function adaptFeeds(feeds: Feeds, inputs: readonly PortInfo[]): Feeds {
  const adapted: Record<string, Value> = {};
  for (const { name, dtype } of inputs) {
    const value = feeds[name];
    if (value === undefined) continue;
    adapted[name] = dtype === undefined || dtype === value.dtype ? value : convert(name, value, dtype);
  }
  return adapted;
}

function convert(name: string, value: Value, dtype: DType): Value {
  const make = conversions[dtype];
  const numeric = value.dtype !== "string" && !Array.isArray(value.data);
  if (make === undefined || !numeric || isFloat(dtype) !== isFloat(value.dtype)) {
    throw invalid("engine-dtype", `Input "${name}" has the wrong element type.`, {
      node: name,
      expected: dtype,
      found: value.dtype,
    });
  }
  return { dtype, dims: value.dims, data: make(asNumbers(value)) };
}

const conversions: { readonly [Name in DType]?: (values: ArrayLike<number>) => Numbers } = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  float16: (values) => Uint16Array.from(values, toFloat16Bits),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(Array.from(values, BigInt)),
  int8: (values) => Int8Array.from(values),
  uint8: (values) => Uint8Array.from(values),
  bool: (values) => Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)),
};

const isFloat = (dtype: DType) => /^b?float/.test(dtype);

/** A value's elements as numbers; float16 decoded, 64-bit integers rounded to the nearest double. Not for strings. */
export function asNumbers({ dtype, data }: Value): ArrayLike<number> {
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, fromFloat16Bits);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  return data as Float32Array;
}

/** Zeros for every input (ones for masks): enough to observe shapes when the caller has nothing better. */
export function plainFeeds(model: Model, binding: Binding): Feeds {
  const feeds: Record<string, Value> = {};
  for (const { name, type } of feedInputs(model)) {
    const dims = binding.shapes.get(name) ?? [];
    const dtype = (type?.kind === "tensor" ? type.dtype : undefined) ?? "float32";
    const fill = /mask/i.test(name) ? 1 : 0;
    feeds[name] = filled(name, dtype, dims, fill);
  }
  return feeds;
}

function filled(name: string, dtype: DType, dims: readonly number[], fill: number): Value {
  const count = elementCount(dims);
  if (dtype === "string") return { dtype, dims, data: Array<string>(count).fill("") };
  const make = conversions[dtype];
  if (make === undefined) {
    throw invalid("engine-dtype", `pare cannot make up a value for input "${name}".`, { node: name, found: dtype });
  }
  return { dtype, dims, data: make(new Float64Array(count).fill(fill)) };
}
