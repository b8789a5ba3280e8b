// Codes and scales of a weight from the kernels: in one pass where each part with one scale can be read whole, else after a
// pass for the ranges; codebooks after a pass for their numbers.

import type { KernelJobs, RangeSearch, Scaling } from "../kernels/jobs.js";
import { type Encoded, type EncodeLayout, encode, histogram, statistics } from "../kernels/slabs.js";
import { elementCount } from "../tensor/dtype.js";
import { FLOAT_FORMATS } from "../tensor/float-formats.js";
import { fromFloat16, toFloat16, toSharedFloat16 } from "../tensor/float16.js";
import { LEVEL_TABLES } from "../tensor/level-tables.js";
import type { Packing } from "../tensor/packing.js";
import type { Weight } from "../weights/weights.js";
import { codebookOf } from "./codebook.js";
import type { Workers } from "./computation.js";
import type { Cut } from "./cut.js";
import type { FitLayout } from "./fitted/layout.js";
import type { FitOptions } from "./fitted/options.js";
import type { NumberFormat, ScaleFormat } from "./formats/index.js";
import { gridOf, gridOfFloat, gridOfTable } from "./grids.js";
import { sampleOf } from "./sample.js";

type Grid = EncodeLayout["grids"][number];

export interface CodeLayout {
  readonly cut: Cut;
  readonly format: NumberFormat;
  /** Integers: zero in the middle of the codes. */
  readonly symmetric: boolean;
  readonly range: RangeSearch;
  readonly rounding: EncodeLayout["rounding"];
  /** Of a codebook: the type of its entries. */
  readonly scaleFormat: ScaleFormat;
  /** Numbers in a codebook. */
  readonly entries: number;
  /** Channels that share a codebook. */
  readonly group: number;
  /** Codes are found before the result is written, where the plan has a `Fitter`. */
  readonly fit?: FitOptions | undefined;
}

export const scalingOf = ({ format, symmetric }: CodeLayout): NumberFormat["scaling"] =>
  format.kind !== "integer" ? format.scaling : symmetric ? "signed" : "affine";

/** Codebooks of a weight. A group that is no part of all channels of a middle axis takes the next smaller one that is. */
export function groupsOf({ cut, group }: Pick<CodeLayout, "cut" | "group">): number {
  return cut.granularity === "tensor" ? 1 : Math.ceil(channelsOf(cut) / groupSize(cut, group));
}

export const channelsOf = ({ rows, columns, along, repeats }: Cut): number =>
  repeats ?? (along === "rows" ? columns : rows);

export function groupSize(cut: Cut, group: number): number {
  const channels = channelsOf(cut);
  let size = Math.min(group, channels);
  if (cut.repeats !== undefined) while (channels % size !== 0) size--;
  return size;
}

/** Throws what the kernels throw; values that are not finite are counted. `levels`: those of codebooks, [groups, entries]. */
export async function encodeWeight(
  workers: Workers,
  weight: Weight,
  layout: CodeLayout,
  packing: Packing,
): Promise<{ readonly encoded: Encoded; readonly levels?: Float32Array; readonly tensorScale: number }> {
  const { cut, format, range, rounding, scaleFormat, entries } = layout;
  const { tensor } = weight;
  const pool = await workers.kernels();
  const control = { signal: workers.signal };
  const { rows, columns, along } = cut;
  const common = {
    from: tensor.dtype,
    rows,
    columns,
    along,
    block: Math.max(cut.block, 1),
    range,
    scaleFormat,
    tensorScale: 1,
    rounding,
    order: "own" as const,
    packing,
  };
  if (format.kind === "learned") {
    const size = groupSize(cut, layout.group);
    const levels = await learned(workers, weight, layout);
    const grids = Array.from({ length: levels.length / entries }, (_, at) =>
      gridOf(levels.subarray(at * entries, (at + 1) * entries), "lower"),
    );
    const keep = along === "rows" ? ("columns" as const) : ("rows" as const);
    const gridAlong = grids.length > 1 ? { keep, size } : undefined;
    const scaling = { kind: "none" } as const;
    const encoded = await encode(pool, tensor.data, { ...common, grids, gridAlong, scaling }, control);
    return { encoded, levels, tensorScale: 1 };
  }
  const kind = scalingOf(layout) as Exclude<NumberFormat["scaling"], "none">;
  const grids = [gridFor(layout)];
  const wanted = { ...common, grids, scaling: { kind } as Scaling };
  if (scaleFormat === "float8e4m3fn") {
    const whole = { from: tensor.dtype, dims: tensor.dims };
    const { min, max } = await statistics(pool, tensor.data, whole, control);
    // The largest block scale becomes the largest e4m3 number.
    const most = Math.max(-min[0]!, max[0]!) / (format.high * FLOAT_FORMATS.float8e4m3fn.max);
    const tensorScale = Math.fround(most) || 1;
    return { encoded: await encode(pool, tensor.data, { ...wanted, tensorScale }, control), tensorScale };
  }
  if (inOnePass(weight, layout)) return { encoded: await encode(pool, tensor.data, wanted, control), tensorScale: 1 };
  const given = await scalesOf(workers, weight, layout, wanted);
  const keep = cut.granularity === "tensor" ? "none" : along === "rows" ? "columns" : "rows";
  const scaling: Scaling = { kind: "given", keep, scales: given.scales, zeroPoints: given.zeroPoints };
  const made = await encode(pool, tensor.data, { ...wanted, scaling }, control);
  const encoded: Encoded = { ...made, ...given };
  return { encoded, tensorScale: 1 };
}

/** The same for codes that are found beforehand: each part with a scale is whole then, however long. */
export function fitLayoutOf(
  weight: Weight,
  layout: CodeLayout & { readonly fit: FitOptions },
  packing: Packing,
): FitLayout {
  const { cut, format, range, rounding, scaleFormat } = layout;
  const { rows, columns, along } = cut;
  return {
    options: layout.fit,
    sharing: { ...cut, block: Math.max(cut.block, 1) },
    layout: {
      from: weight.tensor.dtype,
      rows,
      columns,
      along,
      block: Math.max(cut.block, 1),
      grids: [gridFor(layout)],
      scaling: { kind: scalingOf(layout) as Exclude<NumberFormat["scaling"], "none"> },
      range,
      rounding,
      scaleFormat,
      tensorScale: 1,
      order: "own",
      packing,
    },
    ...(scaleFormat === "float8e4m3fn" && { tensorRange: format.high * FLOAT_FORMATS.float8e4m3fn.max }),
  };
}

/** Parts with one scale up to this size are read whole; longer ones twice, first for their range. */
const ONE_PASS_BYTES = { extremes: 2 ** 21, search: 2 ** 23 };

/** Whether the range of a part is that of its smallest and largest number. */
const byExtremes = (layout: CodeLayout) => layout.range.kind === "absmax" && layout.format.scaling !== "mean";

function inOnePass(weight: Weight, layout: CodeLayout): boolean {
  const { granularity, along, block, columns, repeats } = layout.cut;
  if (granularity === "block") return true;
  const bytes = block * (along === "rows" ? columns : 1) * (weight.tensor.dtype === "float16" ? 2 : 4);
  return repeats === undefined && bytes <= ONE_PASS_BYTES[byExtremes(layout) ? "extremes" : "search"];
}

/**
 * Scales of a tensor or of channels that are not read whole: from their extremes, or, where a range is searched, from an even
 * sample of each. The same kernel finds them as for parts that are read whole.
 */
async function scalesOf(workers: Workers, weight: Weight, layout: CodeLayout, wanted: EncodeLayout) {
  const { cut } = layout;
  const pool = await workers.kernels();
  const control = { signal: workers.signal };
  const channels = cut.granularity === "tensor" ? 1 : channelsOf(cut);
  const sample = byExtremes(layout) ? await extremes() : await sampleOf(weight, cut, channels, control);
  const length = sample.length / channels;
  const found: KernelJobs["encode"]["result"] = await pool.run(
    "encode",
    { bytes: bytesOf(sample) },
    {
      ...wanted,
      gridAlong: undefined,
      from: "float32",
      rows: channels,
      columns: length,
      along: "columns",
      block: Math.max(length, 2),
      rounding: { kind: "nearest" },
    },
  );
  const { scales, zeroPoints } = found;
  return {
    scales: scales as Encoded["scales"],
    ...(zeroPoints && { zeroPoints: zeroPoints as Uint8Array<ArrayBuffer> }),
  };

  async function extremes(): Promise<Float32Array> {
    const { rows, columns, along, repeats } = cut;
    const dims = along === "rows" ? [rows, columns] : [rows / channels, channels, columns];
    const axis = channels === 1 && repeats === undefined ? undefined : 1;
    const view = { from: weight.tensor.dtype, dims, axis };
    const { min, max } = await statistics(pool, weight.tensor.data, view, control);
    return Float32Array.from({ length: 2 * channels }, (_, at) => (at % 2 === 0 ? min : max)[at >> 1]!);
  }
}

/** The numbers of a weight's codebooks, [groups, entries] in all, ascending in each, the last repeated where there are fewer. */
async function learned(workers: Workers, weight: Weight, layout: CodeLayout): Promise<Float32Array> {
  const { cut, entries, scaleFormat } = layout;
  const groups = groupsOf(layout);
  const all = new Float32Array(groups * entries);
  const put = (group: number, levels: Float32Array) => {
    for (let i = 0; i < entries; i++) all[group * entries + i] = levels[Math.min(i, levels.length - 1)]!;
  };
  const { dtype: from, data, dims } = weight.tensor;
  if (groups === 1) {
    const view = { from, rows: 1, columns: elementCount(dims) };
    const found = await histogram(await workers.kernels(), data, view, { signal: workers.signal });
    put(0, codebookOf(found, entries));
    return rounded(all, scaleFormat);
  }
  const channels = channelsOf(cut);
  const sample = await sampleOf(weight, cut, channels, { signal: workers.signal });
  const words = new Uint32Array(sample.buffer);
  const length = (sample.length / channels) * groupSize(cut, layout.group);
  const counts = new Float64Array(65536);
  const sums = new Float64Array(65536);
  for (let group = 0; group < groups; group++) {
    counts.fill(0);
    sums.fill(0);
    for (let at = group * length; at < Math.min((group + 1) * length, sample.length); at++) {
      if (!Number.isFinite(sample[at]!)) continue;
      counts[words[at]! >>> 16]!++;
      sums[words[at]! >>> 16]! += sample[at]!;
    }
    put(group, codebookOf({ counts, sums }, entries));
  }
  return rounded(all, scaleFormat);
}

/** The numbers of a format by code; integers from 0 on, or with 0 in the middle. */
export function gridFor({ format, symmetric }: Pick<CodeLayout, "format" | "symmetric">): Grid {
  const { bits, codec, table } = format;
  if (table !== undefined) return gridOfTable(LEVEL_TABLES[table]);
  if (codec !== undefined) return gridOfFloat(codec);
  const half = symmetric ? 2 ** (bits - 1) : 0;
  return { kind: "integer", low: -half, high: 2 ** bits - 1 - half };
}

function rounded(values: Float32Array, format: ScaleFormat): Float32Array {
  if (format === "float16") return fromFloat16(toFloat16(values));
  if (format !== "shared16") return values;
  const { bits, factor } = toSharedFloat16(values);
  return fromFloat16(bits).map((value) => value * factor);
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
