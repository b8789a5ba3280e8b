// Our values as ONNX Runtime's tensors and back.

import type * as Ort from "onnxruntime-web";
import { invalid, unsupported } from "../base/errors.js";
import { type DType, elementCount } from "../tensor/dtype.js";
import type { Numbers, Value } from "../tensor/value.js";

export type TensorConstructor = typeof Ort.Tensor;

/** Element types that have a JavaScript tensor, and the array that holds them. bfloat16, the 8-bit floats and the 4-bit types have none. */
const arrays: { readonly [Name in DType]?: new (buffer: ArrayBufferLike, at: number, length: number) => Numbers } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Throws `unsupported("engine-dtype")` for a type without a JavaScript tensor, `invalid` when data and type disagree. */
export function toTensor(name: string, value: Value, Tensor: TensorConstructor): Ort.Tensor {
  const { dtype, dims, data } = value;
  if (dtype === "string") {
    if (!Array.isArray(data)) throw wrongData(name, value, "an array of strings");
    return new Tensor("string", [...(data as readonly string[])], [...dims]);
  }
  const array = arrays[dtype];
  if (array === undefined) {
    throw unsupported("engine-dtype", `A ${dtype} value cannot be handed to ONNX Runtime from JavaScript.`, {
      node: name,
      hint: "Cast it to float32 inside the graph.",
    });
  }
  if (!(data instanceof array)) throw wrongData(name, value, array.name);
  const count = elementCount(dims);
  if (data.length !== count) {
    throw invalid("value-length", `The value of "${name}" does not fit its dimensions.`, {
      node: name,
      expected: `${count} entries for [${dims}]`,
      found: String(data.length),
    });
  }
  return new Tensor(dtype as "float32", data as Float32Array, [...dims]);
}

export function fromTensor(tensor: Ort.Tensor): Value {
  const dtype = tensor.type as DType;
  const dims = [...tensor.dims];
  const data: unknown = tensor.data;
  if (dtype === "string") return { dtype, dims, data: data as readonly string[] };
  const array = arrays[dtype]!;
  if (data instanceof array) return { dtype, dims, data };
  // float16 comes as a Float16Array where the language has one.
  const { buffer, byteOffset, byteLength } = data as Uint8Array;
  return { dtype, dims, data: new array(buffer, byteOffset, byteLength / (dtype === "float16" ? 2 : 1)) };
}

/** The same value in an array of its own. */
export const copied = (value: Value): Value => ({ ...value, data: value.data.slice() as Value["data"] });

const wrongData = (name: string, { dtype, data }: Value, expected: string) =>
  invalid("value-array", `The value of "${name}" is not stored as its type asks.`, {
    node: name,
    expected: `${expected} for ${dtype}`,
    found: Array.isArray(data) ? "an array" : (data.constructor?.name ?? typeof data),
  });
