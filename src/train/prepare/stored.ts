// Floats of other widths: training computes in float32, files keep what they had.

import { unsupported } from "../../base/errors.js";
import type { Initializer } from "../../ir/model.js";
import { type DType, elementCount } from "../../tensor/dtype.js";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../tensor/float16.js";
import { derivedData, float32, type Tensor, tensor } from "../../tensor/tensor.js";

/** Float types that are computed in float32 instead. */
export const OTHER_FLOATS: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float64"]);

/** A dense constant as float32, converted when it is read. */
export function asFloat32(stored: Tensor): Tensor {
  return {
    dtype: "float32",
    dims: stored.dims,
    data: derivedData(elementCount(stored.dims) * 4, async function* () {
      const { buffer } = (await stored.data.read()).slice();
      const values =
        stored.dtype === "float64"
          ? Float32Array.from(new Float64Array(buffer))
          : stored.dtype === "float16"
            ? fromFloat16(new Uint16Array(buffer))
            : fromBfloat16(new Uint16Array(buffer));
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    }),
  };
}

/** float32 values in the element type and dimensions of `like`, rounded half to even. */
export function encodeFloats(values: Float32Array, like: Initializer): Tensor {
  const { dtype, dims } = like;
  switch (dtype) {
    case "float32":
      return float32(dims, values);
    case "float64":
      return tensor(dtype, dims, Float64Array.from(values));
    case "float16":
      return tensor(dtype, dims, toFloat16(values));
    case "bfloat16":
      return tensor(dtype, dims, toBfloat16(values));
    default:
      throw unsupported("weight-type", `A weight of type ${dtype} cannot be trained.`);
  }
}
