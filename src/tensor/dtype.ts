// The table of ONNX element types: name, code in TensorProto.DataType, bits, and the IR version that brought them.

import { invalid } from "../base/errors.js";

interface DTypeFacts {
  /** TensorProto.DataType, onnx.proto. */
  readonly code: number;
  /** Bits of one element in raw_data; sub-byte types are packed low bits first, the last byte padded with zeros. 0: strings. */
  readonly bits: number;
  readonly kind: "float" | "int" | "uint" | "bool" | "complex" | "string";
  /** The lowest ir_version that knows the type. */
  readonly ir: number;
}

export const DTYPES = {
  float32: { code: 1, bits: 32, kind: "float", ir: 1 },
  uint8: { code: 2, bits: 8, kind: "uint", ir: 1 },
  int8: { code: 3, bits: 8, kind: "int", ir: 1 },
  uint16: { code: 4, bits: 16, kind: "uint", ir: 1 },
  int16: { code: 5, bits: 16, kind: "int", ir: 1 },
  int32: { code: 6, bits: 32, kind: "int", ir: 1 },
  int64: { code: 7, bits: 64, kind: "int", ir: 1 },
  string: { code: 8, bits: 0, kind: "string", ir: 1 },
  bool: { code: 9, bits: 8, kind: "bool", ir: 1 },
  float16: { code: 10, bits: 16, kind: "float", ir: 1 },
  float64: { code: 11, bits: 64, kind: "float", ir: 1 },
  uint32: { code: 12, bits: 32, kind: "uint", ir: 1 },
  uint64: { code: 13, bits: 64, kind: "uint", ir: 1 },
  complex64: { code: 14, bits: 64, kind: "complex", ir: 1 },
  complex128: { code: 15, bits: 128, kind: "complex", ir: 1 },
  bfloat16: { code: 16, bits: 16, kind: "float", ir: 4 },
  float8e4m3fn: { code: 17, bits: 8, kind: "float", ir: 9 },
  float8e4m3fnuz: { code: 18, bits: 8, kind: "float", ir: 9 },
  float8e5m2: { code: 19, bits: 8, kind: "float", ir: 9 },
  float8e5m2fnuz: { code: 20, bits: 8, kind: "float", ir: 9 },
  uint4: { code: 21, bits: 4, kind: "uint", ir: 10 },
  int4: { code: 22, bits: 4, kind: "int", ir: 10 },
  float4e2m1: { code: 23, bits: 4, kind: "float", ir: 11 },
  float8e8m0: { code: 24, bits: 8, kind: "float", ir: 12 },
  uint2: { code: 25, bits: 2, kind: "uint", ir: 13 },
  int2: { code: 26, bits: 2, kind: "int", ir: 13 },
  float6e2m3: { code: 27, bits: 6, kind: "float", ir: 14 },
  float6e3m2: { code: 28, bits: 6, kind: "float", ir: 14 },
} as const satisfies Record<string, DTypeFacts>;

export type DType = keyof typeof DTYPES;

const byCode = new Map<number, DType>(Object.entries(DTYPES).map(([name, facts]) => [facts.code, name as DType]));

/** Throws `invalid("dtype-unknown")` for a code that ONNX 1.23 does not define. */
export function dtypeOfCode(code: number, where?: string): DType {
  const dtype = byCode.get(code);
  if (dtype) return dtype;
  throw invalid("dtype-unknown", `Element type ${code} is not one that ONNX defines.`, { node: where });
}

/** Elements of `dims`; `[]` is a scalar with one. Exact up to 2^53; callers check the bound. */
export const elementCount = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** Bytes of `dims` elements in raw_data. Not defined for strings. */
export const byteCount = (dtype: DType, dims: readonly number[]): number =>
  Math.ceil((elementCount(dims) * DTYPES[dtype].bits) / 8);
