// What each kernel takes and gives. The table is complete by type: a worker that lacks one does not compile.

import type { EncodeOptions, EncodeResult } from "./encoding.js";

export type * from "./encoding.js";

/** Values are float32 little endian, unless `from` says otherwise. */
export type FloatInput = "float32" | "float16";

export interface KernelJobs {
  /** float32 to float16, round half to even; beyond the range: infinity, counted. NaN: 0x7e00 with its sign. */
  readonly "cast-float16": {
    readonly options: Record<never, never>;
    /**
     * `overflow`: finite values that became infinite. `underflow`: non-zero values that became zero. `maxAbs`: largest
     * finite magnitude, 0 where there is none.
     */
    readonly result: {
      readonly bytes: Uint8Array;
      readonly overflow: number;
      readonly underflow: number;
      readonly maxAbs: number;
    };
  };
  /** float32 to bfloat16, round half to even; results as of cast-float16. NaN: 0x7fc0 with its sign. */
  readonly "cast-bfloat16": KernelJobs["cast-float16"];
  /**
   * How many finite values stand in each of 65536 bins, and their sums: the bin of a value is the upper 16 bits of its
   * float32, so that all values of a bin agree in sign, exponent and 7 bits of mantissa. Sums are exact (and so do not depend
   * on the order of reading) up to 2^29 values a bin. Values that are not finite stand in no bin.
   */
  readonly histogram: {
    readonly options: { readonly from: FloatInput; readonly rows: number; readonly columns: number };
    readonly result: { readonly counts: Float64Array; readonly sums: Float64Array; readonly nonFinite: number };
  };
  /**
   * How many finite values other than 0 stand in each bin of width 2^exponent (bin i: from i * width to below
   * (i + 1) * width), from bin `first` on; empty bins at both ends are left out. `exponent` is the least for which 16384
   * bins on each side of 0 hold all values, or the one asked for where that is wider. Moments are of finite values, in
   * float64; `min` and `max` are Infinity and -Infinity where there is none.
   */
  readonly "uniform-bins": {
    readonly options: {
      readonly from: FloatInput;
      readonly rows: number;
      readonly columns: number;
      /** At least -126, at most 114. */
      readonly exponent?: number;
    };
    readonly result: {
      readonly counts: Uint32Array;
      readonly first: number;
      readonly exponent: number;
      readonly zeros: number;
      readonly nonFinite: number;
      readonly min: number;
      readonly max: number;
      readonly sum: number;
      readonly squares: number;
    };
  };
  /** Codes of any grid of up to 256 levels, with scales searched and codes packed on the way: see encoding.ts. */
  readonly encode: { readonly options: EncodeOptions; readonly result: EncodeResult };
  /**
   * Smallest and largest finite value (Infinity and -Infinity where there is none, so that results of parts can be
   * merged), and counts of non-zeros (NaN is one) and of non-finite values. `min` and `max` have 1, `rows` or `columns`
   * entries as `keep` says.
   */
  readonly statistics: {
    readonly options: {
      readonly from: FloatInput;
      readonly rows: number;
      readonly columns: number;
      readonly keep: "none" | "rows" | "columns";
    };
    readonly result: {
      readonly min: Float32Array;
      readonly max: Float32Array;
      readonly nonZero: number;
      readonly nonFinite: number;
    };
  };
  /**
   * Codes of 8 bits, or of 16 (little endian, where `low` is below -128 or `high` above 255; at most 65535 apart), with one
   * scale per kept index: round half to even of x / scale, plus zero point, saturated. NaN, and any
   * value where the scale is 0, gives the zero point; infinity saturates.
   * `scales` and `zeroPoints` have 1, `rows` or `columns` entries as `keep` says; the codes keep the layout of the input.
   */
  readonly "quantize-linear": {
    readonly options: {
      readonly from: FloatInput;
      readonly rows: number;
      readonly columns: number;
      readonly keep: "none" | "rows" | "columns";
      readonly scales: Float32Array;
      /** Absent: zero. In the range of the code type. */
      readonly zeroPoints?: Int32Array;
      readonly low: number;
      readonly high: number;
    };
    readonly result: { readonly bytes: Uint8Array };
  };
  /**
   * Blockwise round to nearest, as MatMulNBits stores it (field: ONNX Runtime ContribOperators, MatMulNBits).
   * The input is [rows, columns]; blocks run along `along`. `along: "rows"` (a MatMul weight [K, N]) writes the
   * transposed codes [columns, ceil(rows / block), block * bits / 8]; `along: "columns"` (an embedding [rows, columns],
   * or a Gemm weight with transB) writes [rows, ceil(columns / block), block * bits / 8]. Codes are unsigned, low bits
   * first, a short last block padded with the zero point. Symmetric: scale = m / -2^(bits-1), m the element of largest
   * magnitude with its sign (of two equal ones the negative), zero point 2^(bits-1). Asymmetric: range widened to hold 0,
   * scale = (max - min) / (2^bits - 1), zero point = -min / scale rounded half up. Ranges are of finite values; NaN gives
   * the zero point, infinity saturates, a block without finite non-zero values has scale 0. `from: "float16"`: scales are
   * rounded to float16 before the codes are made, because that is how they will be stored. `block` is a multiple of 16.
   */
  readonly "quantize-blocks": {
    readonly options: {
      readonly from: FloatInput;
      readonly rows: number;
      readonly columns: number;
      readonly along: "rows" | "columns";
      readonly block: number;
      readonly bits: 4 | 8;
      readonly symmetric: boolean;
    };
    /** Scales and (asymmetric only) zero points, one a byte: [outer, blocks]. `nonFinite`: values that are not finite. */
    readonly result: {
      readonly bytes: Uint8Array;
      readonly scales: Float32Array;
      readonly nonFinite: number;
      readonly zeroPoints?: Uint8Array;
    };
  };
}
