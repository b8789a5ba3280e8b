// Integer codes of DequantizeLinear as numbers, and numbers as codes: per tensor, per axis or in blocks.

import { unsupported } from "../../base/errors.js";
import { intOf } from "../../ir/attributes.js";
import type { Initializer, Node } from "../../ir/model.js";
import { DTYPES, type DType, elementCount } from "../../tensor/dtype.js";
import { roundHalfEven } from "../../tensor/integers.js";
import { pack, unpack, unpackSigned } from "../../tensor/packing.js";
import { derivedData, type Tensor, tensor } from "../../tensor/tensor.js";

/** Types of codes that are trained through. */
const TYPES: ReadonlySet<DType> = new Set(["int4", "uint4", "int8", "uint8", "int16", "uint16", "int32"]);

export interface Codec {
  /** The numbers that the stored codes stand for: float32. */
  readonly master: Tensor;
  /** Numbers as codes by the same scales and zero points, rounded half to even and saturated. */
  encode(values: Float32Array): Promise<Tensor>;
}

export const isCode = (dtype: DType): boolean => TYPES.has(dtype);

type Dense = Initializer & { readonly sparse?: undefined };

/** `node` is the DequantizeLinear; scale and zero point are constants. */
export function codecOf(node: Node, codes: Dense, scale: Dense, zero: Dense | undefined): Codec {
  const { dtype, dims } = codes;
  const count = elementCount(dims);
  const place = placeOf(node, dims, scale.dims);
  const parameters = async () => ({
    scales: new Float32Array((await scale.data.read()).slice().buffer),
    zeros: zero === undefined ? undefined : decode(zero.dtype, await zero.data.read(), elementCount(zero.dims)),
  });
  return {
    master: {
      dtype: "float32",
      dims,
      data: derivedData(count * 4, async function* () {
        const { scales, zeros } = await parameters();
        const numbers = decode(dtype, await codes.data.read(), count);
        const values = Float32Array.from({ length: count }, (_, i) => {
          const at = place(i);
          return (numbers[i]! - (zeros?.[at] ?? 0)) * scales[at]!;
        });
        yield new Uint8Array(values.buffer);
      }),
    },
    async encode(values) {
      const { scales, zeros } = await parameters();
      const { bits, kind } = DTYPES[dtype];
      const low = kind === "int" ? -(2 ** (bits - 1)) : 0;
      const high = low + 2 ** bits - 1;
      const made = Float64Array.from(values, (value, i) => {
        const at = place(i);
        const code = roundHalfEven(Math.fround(value / scales[at]!)) + (zeros?.[at] ?? 0);
        return Math.min(high, Math.max(low, code));
      });
      return tensor(dtype, dims, encode(dtype, made));
    },
  };
}

/** Which scale serves an element. */
function placeOf(node: Node, dims: readonly number[], scale: readonly number[]): (index: number) => number {
  if (elementCount(scale) === 1) return () => 0;
  const stated = intOf(node, "axis", 1);
  const axis = stated < 0 ? stated + dims.length : stated;
  const block = intOf(node, "block_size", 0);
  const inner = elementCount(dims.slice(axis + 1));
  const size = dims[axis]!;
  if (block === 0) return (index) => Math.floor(index / inner) % size;
  return (index) => {
    const outer = Math.floor(index / (inner * size));
    const at = Math.floor((Math.floor(index / inner) % size) / block);
    return (outer * scale[axis]! + at) * inner + (index % inner);
  };
}

function decode(dtype: DType, bytes: Uint8Array, count: number): ArrayLike<number> {
  const { buffer } = bytes.slice();
  switch (dtype) {
    case "int4":
      return unpackSigned(bytes, 4, count);
    case "uint4":
      return unpack(bytes, 4, count);
    case "int8":
      return new Int8Array(buffer);
    case "uint8":
      return new Uint8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    default:
      throw unsupported("weight-type", `Codes of type ${dtype} cannot be trained.`);
  }
}

function encode(dtype: DType, codes: Float64Array): ArrayBufferView {
  switch (dtype) {
    case "int4":
      return pack(Int8Array.from(codes), 4);
    case "uint4":
      return pack(Uint8Array.from(codes), 4);
    case "int8":
      return Int8Array.from(codes);
    case "uint8":
      return Uint8Array.from(codes);
    case "int16":
      return Int16Array.from(codes);
    case "uint16":
      return Uint16Array.from(codes);
    default:
      return Int32Array.from(codes);
  }
}
