// A number format: how a real number becomes a code of few bits and back. Scales and zero points stand outside.

import type { Method } from "../../base/registry.js";
import type { DType } from "../../tensor/dtype.js";

export interface NumberFormat extends Method {
  readonly bits: number;
  /** The tensor type that holds codes unpacked or packed as ONNX packs them. */
  readonly dtype: DType;
  readonly kind: "integer" | "float";
  /** Smallest and largest finite number it represents. */
  readonly low: number;
  readonly high: number;
  /** The code (an unsigned bit pattern of `bits` bits) of the nearest number, ties to even, saturated; NaN is refused by integers. */
  encode(value: number): number;
  /** The number that a code stands for. */
  decode(code: number): number;
}

export const defineFormat = (format: NumberFormat): NumberFormat => Object.freeze(format);

/** Nearest integer, ties to even: what QuantizeLinear prescribes and `Math.round` is not. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** The formats of two's complement and unsigned integers differ in their range only. */
export function integerFormat(name: "int8" | "uint8" | "int4" | "uint4", bits: 4 | 8, signed: boolean): NumberFormat {
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const high = low + 2 ** bits - 1;
  return defineFormat({
    name,
    summary: `${bits}-bit ${signed ? "signed" : "unsigned"} integers, ${low} to ${high}`,
    reference: "https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html",
    bits,
    dtype: name,
    kind: "integer",
    low,
    high,
    encode: (value) => Math.min(high, Math.max(low, roundHalfEven(value))) & (2 ** bits - 1),
    decode: (code) => (signed && code > high ? code - 2 ** bits : code),
  });
}
