// What each kernel takes and gives. The table is complete by type: a worker that lacks one does not compile.

/** Values are float32 little endian, unless `from` says otherwise. */
export type FloatInput = "float32" | "float16";

export interface KernelJobs {
  /** float32 to float16, round half to even; beyond the range: infinity, counted. */
  readonly "cast-float16": {
    readonly options: Record<never, never>;
    /** `overflow`: finite values that became infinite. `underflow`: non-zero values that became zero. */
    readonly result: {
      readonly bytes: Uint8Array;
      readonly overflow: number;
      readonly underflow: number;
      readonly maxAbs: number;
    };
  };
  /** Smallest and largest value and count of non-zeros and of non-finite values. Rows x columns, over `axis` kept. */
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
   * int8 codes with one scale per kept index: round half to even of x / scale, plus zero point, saturated.
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
   * magnitude with its sign, zero point 2^(bits-1). Asymmetric: range widened to hold 0, zero point 0 .. 2^bits - 1.
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
    /** Scales and (asymmetric only) zero points, one a byte: [outer, blocks]. */
    readonly result: { readonly bytes: Uint8Array; readonly scales: Float32Array; readonly zeroPoints?: Uint8Array };
  };
}
