// Which element types cross between JavaScript and the runtime. The others stay inside the graph, behind a Cast.

import type { DType } from "../tensor/dtype.js";

/**
 * Types that have a tensor in ONNX Runtime's JavaScript interface. int4 and uint4 are named there but not carried: as an
 * input they are refused, and as an output onnxruntime-node 1.30 ends the whole process ("ArrayBuffer allocation failed").
 */
const carried: ReadonlySet<DType> = new Set<DType>([
  "float32",
  "float64",
  "float16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
]);

export const isCarried = (dtype: DType): boolean => carried.has(dtype);
