// The scale of one block: its range, the search for a better one, and how the scale is stored. Plain reference; every step is
// one float32 operation, sums are in float64 over four lanes (index mod 4), as the SIMD kernels have it.

import { FLOAT_FORMATS } from "../tensor/float-formats.js";
import { fromFloat16Bits, toFloat16Bits } from "../tensor/float16.js";
import type { Coder } from "./encode-grid.js";
import type { EncodeOptions, ScaleFormat, Scaling } from "./jobs.js";
import { divisorOf } from "./numbers.js";

type BlockScaling = Exclude<Scaling, { kind: "none" } | { kind: "given" }>;
type ScaleOptions = Pick<EncodeOptions, "scaling" | "range" | "scaleFormat" | "tensorScale">;
interface BlockScale {
  readonly scale: number;
  readonly zeroPoint: number;
}
interface Span {
  readonly min: number;
  readonly max: number;
}

export const isBlockwise = (scaling: Scaling): scaling is BlockScaling =>
  scaling.kind !== "none" && scaling.kind !== "given";

/**
 * The narrowest range that a search by squared error tries, as a share of the whole, for a grid of that many levels. Best shares
 * measured over normal and heavy-tailed values (Student, 4 degrees of freedom), blocks of 32 to 4096: 2 bits from 0.2 on, 3 from
 * 0.35, 4 from 0.5, 6 from 0.72, 8 from 0.96; long heavy-tailed ones would go a little lower.
 */
export function lowestRatio(levels: number): number {
  if (levels <= 4) return 0.15;
  if (levels <= 8) return 0.3;
  if (levels <= 16) return 0.4;
  return 0.7;
}

/** The ratios that are tried, in order; float32. */
export function ratiosOf(steps: number, levels: number, scaleFormat: ScaleFormat): Float32Array {
  if (scaleFormat === "float8e8m0") return Float32Array.of(1, 2, 0.5);
  const span = 1 - lowestRatio(levels);
  return Float32Array.from({ length: Math.max(1, steps) }, (_, i) => 1 - (i * span) / Math.max(1, steps - 1));
}

export function blockScaleOf(values: Float32Array, coder: Coder, options: ScaleOptions): BlockScale {
  const { scaling, range, scaleFormat, tensorScale } = options;
  if (scaling.kind === "mean") {
    return { scale: stored(meanScale(values, coder) / tensorScale, options), zeroPoint: coder.zeroPoint };
  }
  const whole = spanOf(values);
  if (range.kind === "absmax") return fromSpan(whole, coder, options);
  if (range.kind === "percentile") return fromSpan(clipped(whole, values, range.percentile), coder, options);
  let best: BlockScale | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const ratio of ratiosOf(range.steps, coder.steps + 1, scaleFormat)) {
    const tried = fromSpan(
      { min: Math.fround(whole.min * ratio), max: Math.fround(whole.max * ratio) },
      coder,
      options,
    );
    const error = errorOf(values, coder, tried, tensorScale);
    if (best && !(error < least)) continue;
    best = tried;
    least = error;
  }
  return best!;
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
    const scale = stored(wanted / tensorScale, options);
    if (scale === 0) return { scale: 0, zeroPoint: 0 };
    const zero = Math.fround(0 - Math.fround(bottom / Math.fround(scale * tensorScale)));
    return { scale, zeroPoint: Math.floor(Math.min(zero, steps) + 0.5) };
  }
  if (scaling.kind === "signed") {
    const extreme = Math.abs(max) > Math.abs(min) ? max : min;
    return { scale: stored(Math.fround(extreme / low) / tensorScale, options), zeroPoint };
  }
  const magnitude = Math.max(Math.abs(min), Math.abs(max));
  return {
    scale: stored(Math.fround(magnitude / rangeDivisor(coder, options.scaleFormat)) / tensorScale, options),
    zeroPoint,
  };
}

/** What the largest magnitude of a block is divided by. */
export function rangeDivisor({ largest }: Coder, scaleFormat: ScaleFormat): number {
  // A power of two is made of the block's exponent and the grid's: no division that could round up to the next one.
  const whole = largest === 0 ? 1 : largest; // A codebook of nothing but 0: any scale does.
  return scaleFormat === "float8e8m0" ? 2 ** Math.floor(Math.log2(whole)) : whole;
}

/** Squared error over the finite values of codes rounded to nearest. */
function errorOf(values: Float32Array, coder: Coder, { scale, zeroPoint }: BlockScale, tensorScale: number): number {
  const factor = Math.fround(scale * tensorScale);
  const divisor = divisorOf(factor);
  return sumOf(values, (value) => {
    const level = coder.level(coder.place(Math.fround(value / divisor), zeroPoint), zeroPoint);
    const error = Math.fround(value - Math.fround(level * factor));
    return error * error;
  });
}

function meanScale(values: Float32Array, coder: Coder): number {
  const count = sumOf(values, () => 1);
  if (count === 0) return 0;
  const mean = Math.fround(sumOf(values, Math.abs) / count);
  if (coder.steps < 2) return mean;
  let scale = 0;
  let threshold = Math.fround(mean * Math.fround(0.7));
  // The error falls with every step, so that it ends; the bound is for steps of one last place.
  for (let i = 0; i < LLOYD_STEPS; i++) {
    const above = sumOf(values, (value) => (Math.abs(value) > threshold ? 1 : 0));
    if (above === 0) break;
    scale = Math.fround(sumOf(values, (value) => (Math.abs(value) > threshold ? Math.abs(value) : 0)) / above);
    const next = Math.fround(scale * 0.5);
    if (next === threshold) break;
    threshold = next;
  }
  return scale;
}

export const LLOYD_STEPS = 12;

/** Sum over the finite values, in four lanes. */
function sumOf(values: Float32Array, term: (value: number) => number): number {
  const lanes = [0, 0, 0, 0] as [number, number, number, number];
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) lanes[i & 3]! += term(values[i]!);
  return lanes[0] + lanes[1] + (lanes[2] + lanes[3]);
}

const { float8e4m3fn } = FLOAT_FORMATS;

/** The scale as its format stores it, never -0. */
function stored(exact: number, { scaleFormat }: ScaleOptions): number {
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
