// The "encode" job over a whole weight: slabs that pack to whole bytes, put together as planes.

import type { TensorData } from "../tensor/tensor.js";
import { type Slab, slabsOf } from "./cut.js";
import { checkEncode, shapeOf } from "./encode.js";
import { inOrder, type SlabControl } from "./in-order.js";
import { interleave } from "./interleave.js";
import type { EncodeOptions, Rounding } from "./jobs.js";
import { FLOAT_BYTES } from "./numbers.js";
import type { KernelPool } from "./pool.js";

type Without<T, Key extends string> = T extends unknown ? Omit<T, Key> : never;

/** As `EncodeOptions`, of the whole weight: nothing says where a slab stands. */
export interface EncodeLayout extends Omit<EncodeOptions, "gridAlong" | "rounding"> {
  readonly gridAlong?: { readonly keep: "rows" | "columns"; readonly size: number } | undefined;
  readonly rounding: Without<Rounding, "first">;
}

export interface Encoded {
  /** One array for each plane of the packing. */
  readonly planes: Uint8Array<ArrayBuffer>[];
  readonly scales: Float32Array<ArrayBuffer>;
  readonly zeroPoints?: Uint8Array<ArrayBuffer>;
  readonly nonFinite: number;
  readonly squaredError: number;
}

/** Codes, scales and zero points of a whole weight, laid out as `EncodeOptions` says. In memory: packed codes and scales. */
export async function encode(
  pool: KernelPool,
  data: TensorData,
  layout: EncodeLayout,
  control: SlabControl = {},
): Promise<Encoded> {
  const { rows, columns, along, block, order, packing, scaling } = layout;
  const whole = jobOf(layout, { row: 0, rows, column: 0, columns, offset: 0, length: 0 });
  checkEncode(whole);
  const shape = shapeOf(layout);
  const planes = packing.planes.map(({ each }) => new Uint8Array(Math.ceil(shape.codes / each)));
  const scales = new Float32Array(shape.scales);
  const zeroPoints = scaling.kind === "affine" ? new Uint8Array(shape.scales) : undefined;
  let nonFinite = 0;
  let squaredError = 0;
  const job = (slab: Slab) => jobOf(layout, slab);
  for await (const { slab, result } of inOrder(pool, "encode", data, encodeSlabs(layout, pool.threads), job, {
    ...control,
    recycle: true,
  })) {
    nonFinite += result.nonFinite;
    squaredError += result.squaredError;
    const part = shapeOf({ ...layout, rows: slab.rows, columns: slab.columns });
    const between = along === "rows" && order === "outer";
    const firstScale =
      along === "columns"
        ? slab.row * shape.blocks + slab.column / block
        : (slab.row / block) * (between ? 1 : columns);
    const firstCode = order === "own" ? slab.row * columns + slab.column : firstScale * block;
    let from = 0;
    for (const [i, { each }] of packing.planes.entries()) {
      const bytes = Math.ceil(part.codes / each);
      const piece = result.bytes.subarray(from, from + bytes);
      from += bytes;
      if (!between) planes[i]!.set(piece, firstCode / each);
      else interleave(planes[i]!, piece, (part.blocks * block) / each, (shape.blocks * block) / each, firstCode / each);
    }
    if (part.scales === 0) continue;
    if (!between) {
      scales.set(result.scales, firstScale);
      zeroPoints?.set(result.zeroPoints!, firstScale);
    } else {
      interleave(scales, result.scales, part.blocks, shape.blocks, firstScale);
      if (zeroPoints) interleave(zeroPoints, result.zeroPoints!, part.blocks, shape.blocks, firstScale);
    }
  }
  return { planes, scales, nonFinite, squaredError, ...(zeroPoints ? { zeroPoints } : {}) };
}

/** Slabs of whole blocks whose codes fill whole bytes of every plane (the last slab's may not). */
export function encodeSlabs(layout: EncodeLayout, threads: number): Slab[] {
  const { from, rows, columns, along, block, order, packing } = layout;
  const blockwise = shapeOf(layout).scales > 0;
  const whole = order === "own" ? packing.planes.reduce((all, { each }) => commonMultiple(all, each), 1) : 1;
  // So many rows hold a whole number of bytes.
  const evenRows = columns === 0 ? 1 : commonMultiple(columns, whole) / columns;
  const size = FLOAT_BYTES[from];
  if (blockwise && along === "rows") {
    // Short blocks end the weight: all others are whole.
    return slabsOf(rows, columns, size, threads, { rows: commonMultiple(block, evenRows) });
  }
  // A row may be cut where the next row then starts on a whole byte, or there is none.
  const quantum = commonMultiple(blockwise ? block : 1, whole);
  if (evenRows === 1 || rows === 1) {
    return slabsOf(rows, columns, size, threads, { columns: quantum % 16 === 0 ? quantum : quantum * 16 });
  }
  return slabsOf(rows, columns, size, threads, { rows: evenRows });
}

function commonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** What a slab needs: its part of scales, zero points and grids, which may be fewer than the indices and are then repeated. */
function jobOf(layout: EncodeLayout, slab: Slab): EncodeOptions {
  const { gridAlong, grids, scaling, rounding } = layout;
  const span = (keep: "none" | "rows" | "columns"): [first: number, count: number] =>
    keep === "none" ? [0, 1] : keep === "rows" ? [slab.row, slab.rows] : [slab.column, slab.columns];
  const job = {
    ...layout,
    rows: slab.rows,
    columns: slab.columns,
    gridAlong: undefined,
    rounding: rounding.kind === "nearest" ? rounding : { ...rounding, first: slab.row * layout.columns + slab.column },
  };
  if (gridAlong) {
    const { keep, size } = gridAlong;
    const [first, count] = span(keep);
    const group = Math.floor(first / size);
    const length = Math.ceil((first + count) / size) - group;
    return {
      ...withScales(),
      grids: Array.from({ length }, (_, i) => grids[(group + i) % grids.length]!),
      gridAlong: { keep, size, first: first - group * size },
    };
  }
  return withScales();

  function withScales(): EncodeOptions {
    if (scaling.kind !== "given") return job;
    const { scales, zeroPoints, keep } = scaling;
    const [first, count] = span(keep);
    const part = Float32Array.from({ length: count }, (_, i) => scales[(first + i) % scales.length]!);
    if (!zeroPoints) return { ...job, scaling: { kind: "given", keep, scales: part } };
    const points = Uint8Array.from({ length: count }, (_, i) => zeroPoints[(first + i) % zeroPoints.length]!);
    return { ...job, scaling: { kind: "given", keep, scales: part, zeroPoints: points } };
  }
}
