// The scale of one block: its range, and how the scale is stored. Plain reference; every step is one float32 operation, as the
// SIMD kernels have it.

import { FLOAT_FORMATS } from "../tensor/float-formats.js";
import { fromFloat16Bits, toFloat16Bits } from "../tensor/float16.js";
import type { Coder } from "./encode-grid.js";
import { meanScale } from "./encode-mean.js";
import { type BlockScale, bestOf, ratiosOf } from "./encode-search.js";
import type { EncodeOptions, ScaleFormat, Scaling } from "./jobs.js";

export type { BlockScale } from "./encode-search.js";

type BlockScaling = Exclude<Scaling, { kind: "none" } | { kind: "given" }>;
type ScaleOptions = Pick<EncodeOptions, "scaling" | "range" | "scaleFormat" | "tensorScale">;
interface Span {
  readonly min: number;
  readonly max: number;
}

export const isBlockwise = (scaling: Scaling): scaling is BlockScaling =>
  scaling.kind !== "none" && scaling.kind !== "given";

export function blockScaleOf(values: Float32Array, coder: Coder, options: ScaleOptions): BlockScale {
  const { scaling, range, scaleFormat, tensorScale } = options;
  const whole = spanOf(values);
  if (scaling.kind === "mean") {
    const mean = meanScale(values, Math.max(-whole.min, whole.max), coder.steps);
    return { scale: storedScale(mean / tensorScale, options), zeroPoint: coder.zeroPoint };
  }
  if (range.kind === "absmax") return fromSpan(whole, coder, options);
  if (range.kind === "percentile") return fromSpan(clipped(whole, values, range.percentile), coder, options);
  const tried = [...ratiosOf(range.steps, coder.steps + 1, scaleFormat)].map((ratio) =>
    fromSpan({ min: Math.fround(whole.min * ratio), max: Math.fround(whole.max * ratio) }, coder, options),
  );
  return bestOf(values, coder, tried, tensorScale);
}

/** Smallest and largest finite value; 0 and 0 where there is none. */
function spanOf(values: Float32Array): Span {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min > max ? { min: 0, max: 0 } : { min: min + 0, max: max + 0 };
}

function clipped(whole: Span, values: Float32Array, percentile: number): Span {
  const magnitudes = values
    .filter((value) => Number.isFinite(value))
    .map((value) => Math.abs(value))
    .sort();
  const rank = Math.min(magnitudes.length, Math.max(1, Math.ceil((percentile / 100) * magnitudes.length)));
  const bound = magnitudes[rank - 1] ?? 0;
  if (bound === 0) return whole;
  return { min: Math.max(whole.min, -bound), max: Math.min(whole.max, bound) };
}

function fromSpan({ min, max }: Span, coder: Coder, options: ScaleOptions): BlockScale {
  const { scaling, tensorScale } = options;
  const { low, steps, zeroPoint } = coder;
  if (scaling.kind === "affine") {
    const bottom = Math.min(min, 0);
    const top = Math.max(max, 0);
    const width = Math.fround(top - bottom);
    // A range beyond float32 is divided before it is subtracted.
    const wanted = Number.isFinite(width)
      ? Math.fround(width / steps)
      : Math.fround(Math.fround(top / steps) - Math.fround(bottom / steps));
    const scale = storedScale(wanted / tensorScale, options);
    const factor = Math.fround(scale * tensorScale);
    if (factor === 0) return { scale, zeroPoint: 0 };
    const zero = Math.fround(0 - Math.fround(bottom / factor));
    return { scale, zeroPoint: Math.floor(Math.min(zero, steps) + 0.5) };
  }
  if (scaling.kind === "signed") {
    const extreme = Math.abs(max) > Math.abs(min) ? max : min;
    return { scale: storedScale(Math.fround(extreme / low) / tensorScale, options), zeroPoint };
  }
  const magnitude = Math.max(Math.abs(min), Math.abs(max));
  return {
    scale: storedScale(Math.fround(magnitude / rangeDivisor(coder, options.scaleFormat)) / tensorScale, options),
    zeroPoint,
  };
}

/** What the largest magnitude of a block is divided by. */
export function rangeDivisor({ largest }: Coder, scaleFormat: ScaleFormat): number {
  // A power of two is made of the block's exponent and the grid's: no division that could round up to the next one.
  const whole = largest === 0 ? 1 : largest; // A codebook of nothing but 0: any scale does.
  return scaleFormat === "float8e8m0" ? 2 ** Math.floor(Math.log2(whole)) : whole;
}

const { float8e4m3fn } = FLOAT_FORMATS;

/** The scale as its format stores it, never -0. */
export function storedScale(exact: number, { scaleFormat }: Pick<ScaleOptions, "scaleFormat">): number {
  const scale = Math.fround(exact) + 0;
  switch (scaleFormat) {
    case "float32":
      return Math.max(-LARGEST_FLOAT32, Math.min(LARGEST_FLOAT32, scale));
    case "float16":
      return awayFromZero(scale, 65504, (bits) => fromFloat16Bits(bits), toFloat16Bits);
    case "shared16":
      return elevenBits(scale);
    case "float8e8m0":
      return scale < 2 ** -126 ? 2 ** -127 : 2 ** Math.min(127, exponentOf(scale));
    case "float8e4m3fn":
      if (scale === 0) return 0;
      return Math.sign(scale) * Math.max(2 ** -9, float8e4m3fn.decode(float8e4m3fn.encode(Math.abs(scale))));
  }
}

const LARGEST_FLOAT32 = FLOAT_FORMATS.float32.max;
const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** Eleven bits of the significand, rounded away from zero. */
function elevenBits(scale: number): number {
  float[0] = scale;
  const sign = word[0]! & 0x80000000;
  word[0] = sign | Math.min(((word[0]! & 0x7fffffff) + 0x1fff) & ~0x1fff, 0x7f7fe000);
  return float[0]! + 0;
}

/** floor(log2) of a normal float32. */
function exponentOf(value: number): number {
  float[0] = value;
  return ((word[0]! >>> 23) & 255) - 127;
}

/** Codes of one sign ascend with their magnitude: the nearest code, or the next one where that is nearer to zero. */
function awayFromZero(
  scale: number,
  largest: number,
  from: (bits: number) => number,
  to: (value: number) => number,
): number {
  if (Math.abs(scale) >= largest) return scale < 0 ? -largest : largest;
  const near = to(scale);
  return from(Math.abs(from(near)) < Math.abs(scale) ? near + 1 : near);
}
