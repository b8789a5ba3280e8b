// Every float format that pare stores or simulates, 32 bits down to 4, described by a few numbers and one pair of functions:
// encode rounds a float64 exactly (never by way of float32), decode gives the number a code stands for.

import { invalid } from "../base/errors.js";
import { nanRefused } from "./nan.js";

export interface EncodeOptions {
  /**
   * What becomes of numbers that round to more than `max`, infinities among them: `true` makes them `max`, `false` what the
   * format has for them: infinity, else NaN, else still `max`. Default: what ONNX Cast does, `true` for formats of 8 bits
   * and fewer, `false` for wider ones (there overflow is infinity).
   */
  readonly saturate?: boolean;
  /**
   * Which neighbour a number between two becomes. "nearest": the nearest, of two the one with the even code (float8e8m0: the
   * larger); "up": away from zero; "down": towards zero. Default: "nearest", and for float8e8m0 "up", as in ONNX Cast.
   */
  readonly round?: "nearest" | "up" | "down";
  /**
   * Uniform in [0, 1): rounds stochastically instead, up with a probability of (value - lower) / (upper - lower), so that the
   * mean is the value. Called once for each number that is not exact, never for one that is.
   */
  readonly draw?: () => number;
}

export interface FloatFormat {
  readonly name: string;
  /** Bits of a code: sign, exponent, mantissa from the top. float8e8m0 has neither sign nor mantissa. */
  readonly bits: number;
  readonly exponentBits: number;
  readonly mantissaBits: number;
  /** A normal number is (-1)^sign * 2^(exponent - bias) * 1.mantissa; exponent 0 is subnormal: 2^(1 - bias) * 0.mantissa. */
  readonly bias: number;
  /** The largest finite number. */
  readonly max: number;
  readonly minNormal: number;
  /** The smallest number above zero. */
  readonly minSubnormal: number;
  readonly infinity: boolean;
  readonly nan: boolean;
  /** The code that `encode` gives for NaN: the positive quiet one. Where there are others (`decode` tells), they are never written. */
  readonly nanCode: number | undefined;
  readonly negativeZero: boolean;
  /**
   * The code of a number, an unsigned integer of `bits` bits. Where the format has no negative zero, -0 and what rounds to it
   * is 0. float8e8m0: 0 and less than 2^-127 is 2^-127 saturated, else NaN; less than zero is NaN.
   * Throws `invalid("number-nan")` for NaN where the format has none: no code would be right.
   */
  encode(value: number, options?: EncodeOptions): number;
  /** The number that a code stands for, exact. */
  decode(code: number): number;
}

/** What the largest codes of a format mean. */
type Top =
  /** The last exponent is infinity and NaN: IEEE 754. */
  | "ieee"
  /** Only a mantissa of all ones in the last exponent is NaN, no infinity. */
  | "nan"
  /** The code of -0 is NaN, no infinity. */
  | "negative-zero-is-nan"
  /** All finite. */
  | "finite";

// Two views of one float64: the high word holds sign, exponent and 20 bits of mantissa (little endian, as WebAssembly).
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** floor(log2(value)) for normal float64 above zero; -1023 below those. */
function exponentOf(value: number): number {
  double[0] = value;
  return ((words[1]! >>> 20) & 2047) - 1023;
}

/** 2^exponent, exact, for -1022 <= exponent <= 1023. */
function power(exponent: number): number {
  words[0] = 0;
  words[1] = (exponent + 1023) << 20;
  return double[0]!;
}

/** `lower` or the integer above it for a magnitude of `lower + rest`, 0 <= rest < 1. */
function round(lower: number, rest: number, options: EncodeOptions | undefined): number {
  if (rest === 0) return lower;
  if (options?.draw) return options.draw() < rest ? lower + 1 : lower;
  if (options?.round === "up") return lower + 1;
  if (options?.round === "down" || rest < 0.5) return lower;
  return rest > 0.5 || lower % 2 === 1 ? lower + 1 : lower;
}

function floatFormat(name: string, exponentBits: number, mantissaBits: number, top: Top, bias: number): FloatFormat {
  const bits = 1 + exponentBits + mantissaBits;
  const one = 2 ** mantissaBits;
  const half = 2 ** (bits - 1);
  const least = 1 - bias;
  const infinityCode = (2 ** exponentBits - 1) * one;
  const maxCode = top === "ieee" ? infinityCode - 1 : top === "nan" ? half - 2 : half - 1;
  const nan = top !== "finite";
  const nanCode = { ieee: infinityCode + one / 2, nan: half - 1, "negative-zero-is-nan": half, finite: undefined }[top];
  const negativeZero = top !== "negative-zero-is-nan";
  const decode = (code: number): number => {
    const negative = code >= half;
    const magnitude = negative ? code - half : code;
    if (top === "negative-zero-is-nan" && code === half) return Number.NaN;
    if (magnitude > maxCode) return magnitude > infinityCode || top === "nan" ? Number.NaN : signed(negative, Infinity);
    const exponent = Math.floor(magnitude / one);
    const mantissa = magnitude - exponent * one;
    const unit = power(Math.max(exponent, 1) - bias) / one;
    return signed(negative, (exponent === 0 ? mantissa : one + mantissa) * unit);
  };
  const max = decode(maxCode);
  return Object.freeze({
    name,
    bits,
    exponentBits,
    mantissaBits,
    bias,
    max,
    minNormal: decode(one),
    minSubnormal: decode(1),
    infinity: top === "ieee",
    nan,
    nanCode,
    negativeZero,
    encode(value: number, options?: EncodeOptions) {
      if (Number.isNaN(value)) {
        if (nanCode === undefined) throw nanRefused(name);
        return nanCode;
      }
      const negative = value < 0 || Object.is(value, -0);
      const magnitude = Math.abs(value);
      let code = Infinity;
      if (magnitude < Infinity) {
        // In units of the last place of its binade a number is an integer and a rest, both exact; a carry from rounding
        // walks into the next binade by itself, since codes of one sign are in the order of their numbers.
        const exponent = Math.max(exponentOf(magnitude), least);
        const places = (magnitude / power(exponent)) * one;
        const lower = Math.floor(places);
        code = (exponent - least) * one + round(lower, places - lower, options);
      }
      if (code > maxCode) {
        const saturate = options?.saturate ?? bits <= 8;
        if (saturate || top === "finite") code = maxCode;
        else if (top === "ieee") code = infinityCode;
        else if (top === "negative-zero-is-nan") return half;
        else code = half - 1;
      }
      return negative && (code > 0 || negativeZero) ? half + code : code;
    },
    decode: bits > 8 ? decode : fromTable(bits, decode),
  });
}

const signed = (negative: boolean, magnitude: number) => (negative ? -magnitude : magnitude);

function fromTable(bits: number, decode: (code: number) => number): (code: number) => number {
  const numbers = Float64Array.from({ length: 2 ** bits }, (_, code) => decode(code));
  return (code) => numbers[code]!;
}

/** Powers of two from 2^-127 (code 0) to 2^127 (code 254), and NaN (255): the scales of MX blocks. No zero, no sign. */
const float8e8m0: FloatFormat = Object.freeze({
  name: "float8e8m0",
  bits: 8,
  exponentBits: 8,
  mantissaBits: 0,
  bias: 127,
  max: 2 ** 127,
  minNormal: 2 ** -127,
  minSubnormal: 2 ** -127,
  infinity: false,
  nan: true,
  nanCode: 255,
  negativeZero: false,
  encode(value: number, options: EncodeOptions = {}) {
    if (Number.isNaN(value) || value < 0) return 255;
    const saturate = options.saturate ?? true;
    if (value < 2 ** -127) return saturate ? 0 : 255;
    if (value === Infinity) return saturate ? 254 : 255;
    const exponent = exponentOf(value);
    const rest = value / power(exponent) - 1;
    let code = exponent + 127;
    if (rest > 0) {
      const mode = options.round ?? "up";
      if (options.draw) code += options.draw() < rest ? 1 : 0;
      else if (mode === "up" || (mode === "nearest" && rest >= 0.5)) code += 1;
    }
    return code > 254 && saturate ? 254 : Math.min(code, 255);
  },
  decode: fromTable(8, (code) => (code === 255 ? Number.NaN : power(code - 127))),
});

/**
 * The formats by name; the names are those of `DTYPES` where ONNX has the type. Sources: IEEE 754-2008 (float32, float16);
 * ONNX "Float stored in 8 bits" (float8*); OCP Microscaling Formats v1.0 (float6*, float4e2m1, float8e8m0); tf32 is float32
 * with the 13 last bits of the mantissa left out (NVIDIA A100 whitepaper), its code the 19 bits that stay.
 */
export const FLOAT_FORMATS = {
  float32: floatFormat("float32", 8, 23, "ieee", 127),
  tf32: floatFormat("tf32", 8, 10, "ieee", 127),
  float16: floatFormat("float16", 5, 10, "ieee", 15),
  bfloat16: floatFormat("bfloat16", 8, 7, "ieee", 127),
  float8e4m3fn: floatFormat("float8e4m3fn", 4, 3, "nan", 7),
  float8e4m3fnuz: floatFormat("float8e4m3fnuz", 4, 3, "negative-zero-is-nan", 8),
  float8e5m2: floatFormat("float8e5m2", 5, 2, "ieee", 15),
  float8e5m2fnuz: floatFormat("float8e5m2fnuz", 5, 2, "negative-zero-is-nan", 16),
  float6e3m2: floatFormat("float6e3m2", 3, 2, "finite", 3),
  float6e2m3: floatFormat("float6e2m3", 2, 3, "finite", 1),
  float4e2m1: floatFormat("float4e2m1", 2, 1, "finite", 1),
  float8e8m0,
} as const satisfies Record<string, FloatFormat>;

export type FloatFormatName = keyof typeof FLOAT_FORMATS;

/** All numbers of a format of 8 bits or fewer by code, as float32 (exact: each of them is one). */
export function floatLevels(name: FloatFormatName): Float32Array<ArrayBuffer> {
  const format: FloatFormat = FLOAT_FORMATS[name];
  if (format.bits > 8) throw invalid("format-too-wide", `${name} has ${2 ** format.bits} codes: no table of levels.`);
  return Float32Array.from({ length: 2 ** format.bits }, (_, code) => format.decode(code));
}
