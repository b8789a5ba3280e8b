// What the plain references share: reading raw little-endian bytes as float32 values, and rounding half to even.

import { fromFloat16 } from "../tensor/float16.js";
import type { FloatInput } from "./jobs.js";

/** Bytes of one element. */
export const FLOAT_BYTES = { float32: 4, float16: 2 } as const satisfies Record<FloatInput, number>;

/** The bytes as float32 values: a view where they are aligned, else a copy. */
export function floats(bytes: Uint8Array, from: FloatInput): Float32Array {
  const size = FLOAT_BYTES[from];
  const at = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const count = Math.floor(at.byteLength / size);
  if (from === "float32") return new Float32Array(at.buffer, at.byteOffset, count);
  return fromFloat16(new Uint16Array(at.buffer, at.byteOffset, count));
}

/** Nearest integer, half to even, for |value| < 2^51: adding 1.5 x 2^52 leaves no bit for the fraction. */
export const roundHalfEven = (value: number): number => value + 6755399441055744 - 6755399441055744;

/**
 * Code of one value: round half to even of value / scale, plus zero point, saturated. NaN gives the zero point; infinity
 * saturates. A scale of 0 is handed in as an infinite `divisor` (see `divisorOf`), so that all values give the zero point.
 */
export function codeOf(value: number, divisor: number, zeroPoint: number, low: number, high: number): number {
  const ratio = Math.fround(value / divisor);
  if (Number.isNaN(ratio)) return zeroPoint;
  return roundHalfEven(Math.min(Math.max(ratio, low - zeroPoint), high - zeroPoint)) + zeroPoint;
}

export const divisorOf = (scale: number): number => (scale === 0 ? Number.POSITIVE_INFINITY : scale);
