// Whole weights through the pool: cut into slabs that run in parallel, their results put together.

import type { TensorData } from "../tensor/tensor.js";
import { type Slab, slabsOf } from "./cut.js";
import { inOrder, type SlabControl } from "./in-order.js";
import { interleave } from "./interleave.js";
import type { FloatInput, KernelJobs } from "./jobs.js";
import { FLOAT_BYTES } from "./numbers.js";
import type { KernelPool } from "./pool.js";

export { type Encoded, type EncodeLayout, encode } from "./encode-slabs.js";
export type { SlabControl } from "./in-order.js";

type JobName = keyof KernelJobs;
type Options<Name extends JobName> = KernelJobs[Name]["options"];
type Result<Name extends JobName> = KernelJobs[Name]["result"];

/** A weight of any rank as the kernels see it: all of it as one (`axis` absent), or one range or scale per index of `axis`. */
export interface AxisLayout {
  readonly from: FloatInput;
  readonly dims: readonly number[];
  readonly axis?: number | undefined;
}

export type BlockLayout = Options<"quantize-blocks">;

/** Codes, scales and zero points of a whole weight, laid out as `KernelJobs["quantize-blocks"]` says. In memory: 1/8 to 3/8 of it. */
export async function quantizeBlocks(
  pool: KernelPool,
  data: TensorData,
  layout: BlockLayout,
  control: SlabControl = {},
): Promise<{ codes: Uint8Array; scales: Float32Array; nonFinite: number; zeroPoints?: Uint8Array }> {
  const { rows, columns, along, block, bits, symmetric, from } = layout;
  const size = FLOAT_BYTES[from];
  const [outer, inner] = along === "rows" ? [columns, rows] : [rows, columns];
  const blocks = Math.ceil(inner / block);
  const blob = (block * bits) / 8;
  const codes = new Uint8Array(outer * blocks * blob);
  const scales = new Float32Array(outer * blocks);
  const zeroPoints = symmetric ? undefined : new Uint8Array(outer * blocks);
  let nonFinite = 0;
  const slabs = slabsOf(rows, columns, size, pool.threads, along === "rows" ? { rows: block } : { columns: block });
  const job = (slab: Slab) => ({ ...layout, rows: slab.rows, columns: slab.columns });
  for await (const { slab, result } of inOrder(pool, "quantize-blocks", data, slabs, job, {
    ...control,
    recycle: true,
  })) {
    nonFinite += result.nonFinite;
    if (along === "columns") {
      const at = slab.row * blocks + slab.column / block;
      codes.set(result.bytes, at * blob);
      scales.set(result.scales, at);
      if (result.zeroPoints) zeroPoints?.set(result.zeroPoints, at);
      continue;
    }
    // The slab holds some blocks of every column: its rows of codes go between those of the other slabs.
    const first = slab.row / block;
    const count = Math.ceil(slab.rows / block);
    interleave(codes, result.bytes, count * blob, blocks * blob, first * blob);
    interleave(scales, result.scales, count, blocks, first);
    if (zeroPoints) interleave(zeroPoints, result.zeroPoints!, count, blocks, first);
  }
  return zeroPoints ? { codes, scales, nonFinite, zeroPoints } : { codes, scales, nonFinite };
}

const castBy = (name: "cast-float16" | "cast-bfloat16") =>
  async function* (
    pool: KernelPool,
    data: TensorData,
    control: SlabControl = {},
  ): AsyncGenerator<Result<"cast-float16">> {
    const slabs = slabsOf(1, data.byteLength / 4, 4, pool.threads);
    for await (const { result } of inOrder(pool, name, data, slabs, () => ({}), control)) yield result;
  };

/** float32 to float16, in order. */
export const castFloat16 = castBy("cast-float16");
/** float32 to bfloat16, in order. */
export const castBfloat16 = castBy("cast-bfloat16");

/** Counts and sums by the upper 16 bits of the float32 values, of a whole weight. */
export async function histogram(
  pool: KernelPool,
  data: TensorData,
  layout: Options<"histogram">,
  control: SlabControl = {},
): Promise<Result<"histogram">> {
  const { from, rows, columns } = layout;
  const counts = new Float64Array(65536);
  const sums = new Float64Array(65536);
  let nonFinite = 0;
  const slabs = slabsOf(1, rows * columns, FLOAT_BYTES[from], pool.threads);
  const job = (slab: Slab) => ({ from, rows: slab.rows, columns: slab.columns });
  for await (const { result } of inOrder(pool, "histogram", data, slabs, job, control)) {
    nonFinite += result.nonFinite;
    for (let i = 0; i < counts.length; i++) {
      counts[i]! += result.counts[i]!;
      sums[i]! += result.sums[i]!;
    }
  }
  return { counts, sums, nonFinite };
}

/** Range and counts of a weight; `min` and `max` have one entry, or one per index of `axis`; 0 where no value is finite. */
export async function statistics(
  pool: KernelPool,
  data: TensorData,
  layout: AxisLayout,
  control: SlabControl = {},
): Promise<Result<"statistics">> {
  const { rows, columns, keep, kept } = matrixOf(layout);
  const min = new Float32Array(kept).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(kept).fill(Number.NEGATIVE_INFINITY);
  let nonZero = 0;
  let nonFinite = 0;
  const slabs = slabsOf(rows, columns, FLOAT_BYTES[layout.from], pool.threads);
  const job = (slab: Slab) => ({ from: layout.from, rows: slab.rows, columns: slab.columns, keep });
  for await (const { slab, result } of inOrder(pool, "statistics", data, slabs, job, control)) {
    nonZero += result.nonZero;
    nonFinite += result.nonFinite;
    const first = keep === "rows" ? slab.row : keep === "columns" ? slab.column : 0;
    for (let i = 0; i < result.min.length; i++) {
      const at = (first + i) % kept;
      min[at] = Math.min(min[at]!, result.min[i]!);
      max[at] = Math.max(max[at]!, result.max[i]!);
    }
  }
  for (let i = 0; i < kept; i++) {
    if (min[i]! > max[i]!) {
      min[i] = 0;
      max[i] = 0;
    }
  }
  return { min, max, nonZero, nonFinite };
}

/** Codes of one or two bytes (see jobs.ts), the weight's own layout, in order. `scales` and `zeroPoints` have one entry, or one per index of `axis`. */
export async function* quantizeLinear(
  pool: KernelPool,
  data: TensorData,
  layout: AxisLayout & Pick<Options<"quantize-linear">, "scales" | "zeroPoints" | "low" | "high">,
  control: SlabControl = {},
): AsyncGenerator<Uint8Array> {
  const { from, scales, zeroPoints, low, high } = layout;
  const { rows, columns, keep, kept } = matrixOf(layout);
  const slabs = slabsOf(rows, columns, FLOAT_BYTES[from], pool.threads);
  const job = (slab: Slab): Options<"quantize-linear"> => {
    const [first, count] =
      keep === "rows" ? [slab.row, slab.rows] : keep === "columns" ? [slab.column, slab.columns] : [0, 1];
    const part = { from, rows: slab.rows, columns: slab.columns, keep, low, high };
    const at = (i: number) => (first + i) % kept;
    const partScales = Float32Array.from({ length: count }, (_, i) => scales[at(i)]!);
    if (!zeroPoints) return { ...part, scales: partScales };
    return {
      ...part,
      scales: partScales,
      zeroPoints: Int32Array.from({ length: count }, (_, i) => zeroPoints[at(i)]!),
    };
  };
  for await (const { result } of inOrder(pool, "quantize-linear", data, slabs, job, control)) yield result.bytes;
}

function matrixOf({ dims, axis }: AxisLayout): {
  rows: number;
  columns: number;
  keep: "none" | "rows" | "columns";
  kept: number;
} {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  if (axis === undefined) return { rows: 1, columns: product(dims), keep: "none", kept: 1 };
  const kept = dims[axis]!;
  const outer = product(dims.slice(0, axis));
  const inner = product(dims.slice(axis + 1));
  if (inner === 1) return { rows: outer, columns: kept, keep: "columns", kept };
  // An axis in the middle repeats: row r of the matrix belongs to index r mod kept.
  return { rows: outer * kept, columns: inner, keep: "rows", kept };
}
