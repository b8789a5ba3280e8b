// What the "encode" job takes and gives: a grid of numbers, how values are scaled onto it, how codes are rounded and packed.

import type { Packing } from "../tensor/packing.js";
import type { FloatInput } from "./jobs.js";

export type Grid =
  /** Code c stands for low + c: offset binary, 0 .. high - low, at most 255. 0 is between low and high. */
  | { readonly kind: "integer"; readonly low: number; readonly high: number }
  /**
   * Code codes[i] stands for levels[i]; levels ascend and are finite, 1 to 256 of them. thresholds[i], of which there is one
   * fewer: the smallest float32 coded as level i + 1 rather than i (it says how ties fall).
   */
  | {
      readonly kind: "levels";
      readonly levels: Float32Array;
      readonly thresholds: Float32Array;
      readonly codes: Uint8Array;
      /** The levels are the numbers of this float format, codes and ties (half to even) its own: kernels then round by arithmetic. */
      readonly float?: FloatGrid | undefined;
    };

/** What rounding to a float format of sign, exponent and mantissa needs to know; numbers as of FloatFormat. */
export interface FloatGrid {
  readonly bits: number;
  readonly mantissaBits: number;
  readonly minNormal: number;
  readonly max: number;
}

export type Scaling =
  /** Codes of the values themselves; `tensorScale` has no part in it. */
  | { readonly kind: "none" }
  /** One scale, or one a row or column, in order (repeated where there are fewer of them); zero points as codes, for integers. */
  | {
      readonly kind: "given";
      readonly scales: Float32Array;
      readonly zeroPoints?: Uint8Array | undefined;
      readonly keep: "none" | "rows" | "columns";
    }
  /** Integers: scale = m / low, m the element of largest magnitude with its sign (of two equal the negative). Zero: -low. */
  | { readonly kind: "signed" }
  /** scale = max|x| / largest |level|. */
  | { readonly kind: "absolute" }
  /**
   * Integers: range widened to hold 0, scale = (max - min) / (high - low), zero point (a code) = -min / scale as stored,
   * rounded half up.
   */
  | { readonly kind: "affine" }
  /**
   * Grids of -1 and 1 or -1, 0 and 1: the scale that minimises the squared error. Binary: mean|x|. Ternary: mean of the |x|
   * above half the scale, found by Lloyd's iteration from a threshold of 0.7 mean|x|. `range` has no part in it; sums are in
   * float32, and what is not finite counts as 0.
   */
  | { readonly kind: "mean" };

/**
 * How wide a block's range is taken; beyond it values saturate. Searched with rounding to nearest, errors in float32.
 * mse: of `steps` evenly spaced ratios of the whole range, from 1 down to `lowestRatio(levels)`, the first with the least squared
 * error of codes made with scales as stored; both ends of an affine range shrink together. Of more than four, every third is
 * tried, then those beside the best. float8e8m0: ratios 1, 2 and 1/2.
 * percentile: the magnitude that this share (0 to 100) of the block's finite values does not exceed (nearest rank); the whole
 * range where that is 0.
 */
export type RangeSearch =
  | { readonly kind: "absmax" }
  | { readonly kind: "mse"; readonly steps: number }
  | { readonly kind: "percentile"; readonly percentile: number };

/**
 * How block scales are stored; what is larger than the type's largest number becomes it. float16: rounded away from zero, so
 * that nothing clips. shared16: the same with eleven bits of any float32 exponent: float16 times a power of two that all scales
 * of a weight share, which the caller finds once it has them (`sharedExponent`). float8e8m0 (OCP MX v1.0): 2^(floor(log2 max|x|) - floor(log2 largest level)), between
 * 2^-127 (also where all is 0) and 2^127. float8e4m3fn: scale / tensorScale rounded half to even, 2^-9 to 448, 0 where all is 0.
 */
export type ScaleFormat = "float32" | "float16" | "shared16" | "float8e8m0" | "float8e4m3fn";

/** Half to even, or with the grid's thresholds; or up with a probability of (x - lower) / (upper - lower). */
export type Rounding =
  | { readonly kind: "nearest" }
  /** Draws are `drawAt(seed, first + index)`: `first` is the index of element 0 of this job in the weight, row-major. */
  | { readonly kind: "stochastic"; readonly seed: number; readonly first: number };

/**
 * Codes of a [rows, columns] matrix. A code is that of x / (scale * tensorScale), both operations in float32. NaN gets the code
 * of zero, and so does all where the scale is 0; infinities saturate; ranges are of finite values.
 */
export interface EncodeOptions {
  readonly from: FloatInput;
  readonly rows: number;
  readonly columns: number;
  /** Scaling that is neither none nor given: one scale for each `block` (2 or more) elements along this axis; the last may be short. */
  readonly along: "rows" | "columns";
  readonly block: number;
  /** One grid for all; or with `gridAlong` one for each `size` rows or columns, of which the first has index `first`. */
  readonly grids: readonly Grid[];
  readonly gridAlong?: { readonly keep: "rows" | "columns"; readonly size: number; readonly first: number } | undefined;
  readonly scaling: Scaling;
  readonly range: RangeSearch;
  readonly scaleFormat: ScaleFormat;
  /** A number that all block scales are multiplied by when they are read (NVFP4), else 1. */
  readonly tensorScale: number;
  readonly rounding: Rounding;
  /**
   * own: flat row-major. outer, for native operators: [outer, blocks, block], a short block padded with the code of zero,
   * where outer is the axis that blocks do not run along.
   */
  readonly order: "own" | "outer";
  readonly packing: Packing;
}

export interface EncodeResult {
  /** The planes of the packing, one after the other. */
  readonly bytes: Uint8Array;
  /**
   * The values as stored, before tensorScale; none where scaling is none or given. Own order: [ceil(rows / block), columns] or
   * [rows, ceil(columns / block)]; outer order: [outer, blocks].
   */
  readonly scales: Float32Array;
  /** Affine scaling only: one code for each scale. */
  readonly zeroPoints?: Uint8Array;
  readonly nonFinite: number;
  /** Sum over finite values of the squared difference to what their code stands for. */
  readonly squaredError: number;
}
