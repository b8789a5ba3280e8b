// The integer formats of 2 to 16 bits: rounding half to even, saturation, two's complement codes.

import { nanRefused } from "./nan.js";

export interface IntegerFormat {
  readonly name: string;
  readonly bits: number;
  /** The smallest and the largest number. */
  readonly low: number;
  readonly high: number;
  readonly signed: boolean;
  /**
   * The code of the nearest integer, ties to even, saturated to [low, high] (infinities too): an unsigned bit pattern of
   * `bits` bits, two's complement where signed. With `draw` (uniform in [0, 1)) rounding is stochastic: up with a probability
   * of value - floor(value). `draw` is called once for each number that is not whole.
   * Throws `invalid("number-nan")` for NaN: no code would be right.
   */
  encode(value: number, options?: { readonly draw?: () => number }): number;
  /** The number that a code of `bits` bits stands for. */
  decode(code: number): number;
}

/** Nearest integer, ties to even: what QuantizeLinear prescribes and `Math.round` is not. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : Math.ceil(value);
  return down % 2 === 0 ? down : down + 1;
}

function integerFormat(name: string, bits: number, signed: boolean): IntegerFormat {
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const high = low + 2 ** bits - 1;
  const mask = 2 ** bits - 1;
  return Object.freeze({
    name,
    bits,
    low,
    high,
    signed,
    encode(value: number, options?: { readonly draw?: () => number }) {
      if (Number.isNaN(value)) throw nanRefused(name);
      // Saturated before rounding, so that stochastic rounding of infinity is no special case.
      const inside = Math.min(high, Math.max(low, value));
      if (options?.draw === undefined) return roundHalfEven(inside) & mask;
      const down = Math.floor(inside);
      return (inside > down && options.draw() < inside - down ? down + 1 : down) & mask;
    },
    decode: (code: number) => (signed && code > high ? code - 2 ** bits : code),
  });
}

export const INTEGER_FORMATS = {
  int16: integerFormat("int16", 16, true),
  int8: integerFormat("int8", 8, true),
  int6: integerFormat("int6", 6, true),
  int5: integerFormat("int5", 5, true),
  int4: integerFormat("int4", 4, true),
  int3: integerFormat("int3", 3, true),
  int2: integerFormat("int2", 2, true),
  uint16: integerFormat("uint16", 16, false),
  uint8: integerFormat("uint8", 8, false),
  uint6: integerFormat("uint6", 6, false),
  uint5: integerFormat("uint5", 5, false),
  uint4: integerFormat("uint4", 4, false),
  uint3: integerFormat("uint3", 3, false),
  uint2: integerFormat("uint2", 2, false),
} as const satisfies Record<string, IntegerFormat>;

export type IntegerFormatName = keyof typeof INTEGER_FORMATS;
