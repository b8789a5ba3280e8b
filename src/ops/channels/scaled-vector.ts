// A small constant without some of its positions and times a factor, computed when it is pulled.

import { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Bits } from "../../tensor/float16.js";
import { bytesData, derivedData, type Tensor } from "../../tensor/tensor.js";

const CODECS = {
  float64: {
    bytes: 8,
    get: (at: DataView, i: number) => at.getFloat64(i, true),
    set: (at: DataView, i: number, x: number) => at.setFloat64(i, x, true),
  },
  float32: {
    bytes: 4,
    get: (at: DataView, i: number) => at.getFloat32(i, true),
    set: (at: DataView, i: number, x: number) => at.setFloat32(i, x, true),
  },
  float16: {
    bytes: 2,
    get: (at: DataView, i: number) => fromFloat16Bits(at.getUint16(i, true)),
    set: (at: DataView, i: number, x: number) => at.setUint16(i, toFloat16Bits(x), true),
  },
  bfloat16: {
    bytes: 2,
    get: (at: DataView, i: number) => fromBfloat16Bits(at.getUint16(i, true)),
    set: (at: DataView, i: number, x: number) => at.setUint16(i, toBfloat16Bits(x), true),
  },
} as const;

type FloatType = keyof typeof CODECS;

export const isFloatType = (dtype: string): dtype is FloatType => Object.hasOwn(CODECS, dtype);
export const isFloatVector = ({ dtype }: Tensor): boolean => isFloatType(dtype);

/** `kept`: positions that stay, by axis; undefined where all do. Of a float type. */
export function pickedAndScaled(
  source: Tensor,
  kept: readonly (readonly number[] | undefined)[],
  factor: number,
): Tensor {
  const codec = CODECS[source.dtype as FloatType];
  const dims = source.dims.map((size, axis) => kept[axis]?.length ?? size);
  const count = dims.reduce((all, dim) => all * dim, 1);
  return {
    dtype: source.dtype,
    dims,
    data: derivedData(count * codec.bytes, async function* () {
      const bytes = await source.data.read();
      const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const result = new Uint8Array(count * codec.bytes);
      const to = new DataView(result.buffer);
      for (let at = 0; at < count; at++) {
        const place = placeOf(at, source.dims, dims, kept);
        codec.set(to, at * codec.bytes, codec.get(from, place * codec.bytes) * factor);
      }
      yield result;
    }),
  };
}

/** Index into the source of an element of the result. */
function placeOf(
  at: number,
  whole: readonly number[],
  dims: readonly number[],
  kept: readonly (readonly number[] | undefined)[],
): number {
  let [left, place, stride] = [at, 0, 1];
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const index = left % dims[axis]!;
    left = Math.floor(left / dims[axis]!);
    place += (kept[axis]?.[index] ?? index) * stride;
    stride *= whole[axis]!;
  }
  return place;
}

/** A scalar. Of a float type. */
export function floatScalar(dtype: string, value: number): Tensor {
  const codec = CODECS[dtype as FloatType];
  const bytes = new Uint8Array(codec.bytes);
  codec.set(new DataView(bytes.buffer), 0, value);
  return { dtype: dtype as FloatType, dims: [], data: bytesData(bytes) };
}
