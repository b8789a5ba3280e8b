// Small constants as numbers: the vectors and lists that decide whether and how a node can be rewritten.

import type { Initializer } from "../ir/model.js";
import { elementCount } from "../tensor/dtype.js";
import { fromBfloat16, fromFloat16 } from "../tensor/float16.js";

/** Above this many elements a constant is a weight, not a parameter: nobody should read it whole to look at it. */
const PARAMETER_LIMIT = 2 ** 22;

/**
 * The elements of a dense constant as float64 (int64 beyond 2^53 loses its low bits). Undefined for types without such
 * numbers (strings, sub-byte), sparse constants, and more than 4M elements.
 */
export async function numbersOf(constant: Initializer | undefined): Promise<Float64Array | undefined> {
  if (!constant || constant.sparse || elementCount(constant.dims) > PARAMETER_LIMIT) return undefined;
  const bytes = (await constant.data.read()).slice();
  const { buffer } = bytes;
  switch (constant.dtype) {
    case "float32":
      return Float64Array.from(new Float32Array(buffer));
    case "float64":
      return new Float64Array(buffer);
    case "float16":
      return Float64Array.from(fromFloat16(new Uint16Array(buffer)));
    case "bfloat16":
      return Float64Array.from(fromBfloat16(new Uint16Array(buffer)));
    case "int64":
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case "uint64":
      return Float64Array.from(new BigUint64Array(buffer), Number);
    case "int32":
      return Float64Array.from(new Int32Array(buffer));
    case "uint32":
      return Float64Array.from(new Uint32Array(buffer));
    case "int16":
      return Float64Array.from(new Int16Array(buffer));
    case "uint16":
      return Float64Array.from(new Uint16Array(buffer));
    case "int8":
      return Float64Array.from(new Int8Array(buffer));
    case "uint8":
    case "bool":
      return Float64Array.from(bytes);
    default:
      return undefined;
  }
}
