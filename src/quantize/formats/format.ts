// A number format: how a real number becomes a code of few bits and back. Scales and zero points stand outside.

import { internal } from "../../base/errors.js";
import type { Method } from "../../base/registry.js";
import type { DType } from "../../tensor/dtype.js";
import { FLOAT_FORMATS, type FloatFormatName } from "../../tensor/float-formats.js";
import { INTEGER_FORMATS, type IntegerFormatName } from "../../tensor/integers.js";
import { LEVEL_TABLES, levelCode } from "../../tensor/level-tables.js";
import { bitsPerCode, packingFor } from "../../tensor/packing.js";

/** Types of scales in the file. shared16: float16, times a power of two that all scales of a weight share. */
export type ScaleFormat = "float32" | "float16" | "shared16" | "float8e8m0" | "float8e4m3fn";

export type Granularity = "tensor" | "channel" | "block";

export interface NumberFormat extends Method {
  /** Bits that a code takes in the file: 1.6 for ternary, 8 for a codebook (its widest). */
  readonly bits: number;
  /**
   * integer: low .. high. float: sign, exponent and mantissa, as `codec` says. levels: the numbers of a fixed table. learned:
   * numbers found for each weight.
   */
  readonly kind: "integer" | "float" | "levels" | "learned";
  /** The tensor type that holds codes unpacked or packed as ONNX packs them, where there is one. */
  readonly dtype?: DType;
  /** kind float: the format of `tensor/` that codes are of. */
  readonly codec?: FloatFormatName;
  /** kind levels: the table of `tensor/` that codes are of. */
  readonly table?: keyof typeof LEVEL_TABLES;
  /** Smallest and largest finite number it represents. */
  readonly low: number;
  readonly high: number;
  /**
   * What a scale is made from. none: codes of the values themselves; signed: zero in the middle; affine: with a zero point;
   * absolute: the largest magnitude becomes the largest number; mean: the scale of the least squared error. Integers may be
   * signed or affine, as the option symmetric says: here stands its default.
   */
  readonly scaling: "none" | "signed" | "affine" | "absolute" | "mean";
  /** What shares one scale unless asked otherwise. */
  readonly granularity: Granularity;
  /** Weights in a block unless asked otherwise. */
  readonly block: number;
  /** The format prescribes its blocks and the type of their scales. */
  readonly fixed?: { readonly scales: "float8e8m0" | "float8e4m3fn" };
  /** Runtimes compute in it: it may be the type of the whole graph. */
  readonly computes?: true;
  /** The code (an unsigned integer) of the nearest number, saturated; NaN is refused where there is no code for it. */
  encode(value: number): number;
  /** The number that a code stands for. */
  decode(code: number): number;
}

/** Codes of the values themselves: no scale, no table of their own. */
export const isPlain = ({ kind, scaling }: NumberFormat): boolean => kind === "float" && scaling === "none";

export const defineFormat = (format: NumberFormat): NumberFormat => Object.freeze(format);

/** Integers of two's complement, and unsigned ones: 8 bits and more have a scale a channel, fewer a scale a block. */
export function integerFormat(name: IntegerFormatName): NumberFormat {
  const { bits, signed, low, high, encode, decode } = INTEGER_FORMATS[name];
  const onnx = bits === 16 || bits === 8 || bits === 4 || bits === 2;
  return defineFormat({
    name,
    summary: `${bits}-bit ${signed ? "signed" : "unsigned"} integers, ${low} to ${high}`,
    reference: "https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html",
    bits,
    kind: "integer",
    ...(onnx && { dtype: name as DType }),
    low,
    high,
    scaling: signed ? "signed" : "affine",
    granularity: bits >= 8 ? "channel" : "block",
    block: 32,
    encode: (value) => encode(value),
    decode,
  });
}

type FloatFacts = Method &
  Partial<Pick<NumberFormat, "dtype" | "fixed" | "computes" | "scaling" | "granularity" | "block">>;

/** Floating point codes of `codec`: by default one scale for a block of 32, made from the largest magnitude. */
export function floatFormat(codec: FloatFormatName, facts: FloatFacts): NumberFormat {
  const { bits, max, encode, decode } = FLOAT_FORMATS[codec];
  return defineFormat({
    bits,
    kind: "float",
    codec,
    low: -max,
    high: max,
    scaling: "absolute",
    granularity: "block",
    block: 32,
    encode: (value) => encode(Number.isFinite(value) ? Math.min(max, Math.max(-max, value)) : value),
    decode,
    ...facts,
  });
}

/** Codes of the levels of a fixed table. */
export function levelsFormat(
  table: keyof typeof LEVEL_TABLES,
  facts: Method & Pick<NumberFormat, "scaling"> & Partial<Pick<NumberFormat, "block">>,
): NumberFormat {
  const { levels, order } = LEVEL_TABLES[table];
  return defineFormat({
    bits: bitsPerCode(packingFor(levels.length)),
    kind: "levels",
    table,
    low: levels[order[0]!]!,
    high: levels[order.at(-1)!]!,
    granularity: "block",
    block: 32,
    encode: (value) => levelCode(LEVEL_TABLES[table], value),
    decode: (code) => levels[code]!,
    ...facts,
  });
}

/** What a codebook says when it is asked for a number before its entries are known. */
export const notLearned = () => internal("the numbers of a codebook are learned from each weight");
