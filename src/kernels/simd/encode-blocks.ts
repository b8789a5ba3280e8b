// Scales of blocks in SIMD: ranges of a part, scales made of them or searched for, and where they stand in the result.

import type { shapeOf } from "../encode.js";
import type { EncodeOptions } from "../jobs.js";
import type { Part } from "./encode.js";
import type { Grids } from "./encode-grids.js";
import type { Machine } from "./machine.js";

/** Arrays of one entry for each block of a part. */
const ARRAYS = 6;
/** Between arrays: vectors are read and written whole. */
const GAP = 64;

/** The most blocks that a part of a chunk has. */
function mostBlocks({ rows, columns, along, block }: EncodeOptions, chunk: number): number {
  const values = Math.min(rows * columns, chunk / 4);
  if (along === "rows") return Math.min(columns, values);
  return Math.min(values, Math.ceil(columns / block) * Math.ceil(values / columns || 0));
}

/** Bytes that `blockScales`, or the arrays of given scales, need. */
export function scaleBytes(options: EncodeOptions, chunk: number): number {
  const { scaling, rows, columns } = options;
  if (scaling.kind === "none" || scaling.kind === "given") {
    const entries = scaling.kind === "given" && scaling.keep === "columns" ? columns : rows;
    return 3 * (entries * 4 + GAP);
  }
  return (ARRAYS * 4 + 1) * mostBlocks(options, chunk) + (ARRAYS + 1) * GAP + searchBytes(options);
}

/** A search works on a copy of four blocks, down the rows of 16. */
function searchBytes({ scaling, range, along, block, rows, columns }: EncodeOptions): number {
  const length = Math.min(block, along === "rows" ? rows : columns) * 4;
  if (scaling.kind === "mean" || range.kind === "mse")
    return GAP + length * (along === "rows" ? Math.min(16, Math.ceil(columns / 4) * 4) : 4);
  return range.kind === "percentile" ? 2 * (length + GAP) : 0;
}

export function blockScales(
  machine: Machine,
  options: EncodeOptions,
  shape: ReturnType<typeof shapeOf>,
  grids: Grids,
  room: number,
  chunk: number,
) {
  const { rows, columns, along, block, order, scaling, range } = options;
  const { run } = machine;
  const most = mostBlocks(options, chunk);
  const array = (i: number) => room + i * (most * 4 + GAP);
  const [least, largest, stored, divisors, factors, zeros] = [0, 1, 2, 3, 4, 5].map(array) as Six;
  const points = array(ARRAYS);
  const values = Math.ceil((points + most + GAP) / 16) * 16;
  const scratch = values + Math.ceil((Math.min(block, along === "rows" ? rows : columns) * 4 + GAP) / 16) * 16;
  const scales = new Float32Array(shape.scales);
  const zeroPoints = new Uint8Array(shape.scales);

  /** Clips the range of each block of a part by itself. */
  const clip = (part: Part, share: number): void => {
    let at = 0;
    const down = along === "rows";
    // Where no block has so many values that one is left out, the largest is the bound.
    const longest = down ? part.rows : Math.min(block, part.columns);
    if (Math.ceil(share * longest) >= longest) return;
    for (let row = 0; row < part.rows; row += down ? part.rows : 1) {
      for (let column = 0; column < part.columns; column += down ? 1 : block, at++) {
        const count = down ? part.rows : Math.min(block, part.columns - column);
        run.gather(part.input + row * part.stride + column * 4, count, down ? part.stride : 4, values);
        run.clipSpan(values, count, share, scratch, least + at * 4, largest + at * 4);
      }
    }
  };

  const put = (part: Part, count: number): void => {
    const memory = machine.bytes();
    const found = new Float32Array(memory.buffer, stored, count);
    const zero = memory.subarray(points, points + count);
    const wide = Math.ceil(part.columns / block);
    if (along === "rows") {
      const b = part.row / block;
      if (order === "own") {
        scales.set(found, b * columns + part.column);
        zeroPoints.set(zero, b * columns + part.column);
        return;
      }
      for (let i = 0, at = part.column * shape.blocks + b; i < count; i++, at += shape.blocks) {
        scales[at] = found[i]!;
        zeroPoints[at] = zero[i]!;
      }
    } else if (wide === shape.blocks) {
      scales.set(found, part.row * shape.blocks);
      zeroPoints.set(zero, part.row * shape.blocks);
    } else {
      for (let i = 0, at = part.row * shape.blocks + part.column / block; i < count; i += wide, at += shape.blocks) {
        scales.set(found.subarray(i, i + wide), at);
        zeroPoints.set(zero.subarray(i, i + wide), at);
      }
    }
  };

  return {
    /** The scales of a part, kept for the result; the addresses of what encoding needs of them, until the next part. */
    of(part: Part) {
      const start = [part.input, part.rows, part.columns, part.stride] as const;
      const count = along === "rows" ? part.columns : part.rows * Math.ceil(part.columns / block);
      const spans = [least, largest] as const;
      if (along === "rows") run.spansAlongRows(...start, ...spans);
      else run.spansAlongColumns(...start, block, ...spans);
      if (scaling.kind === "mean" || range.kind === "mse") {
        if (along === "rows") run.searchAlongRows(...start, ...spans, values);
        else run.searchAlongColumns(...start, block, ...spans, values);
      } else if (range.kind === "percentile") clip(part, range.percentile / 100);
      run.scalesOfSpans(count, ...spans, stored, divisors, factors, zeros, points);
      put(part, count);
      return { divisors, factors, zeros };
    },
    /** Fills short blocks of outer order with the code of zero. */
    pad(codes: number): void {
      const last = shape.inner - (shape.blocks - 1) * block;
      if (last === block) return;
      const memory = machine.bytes();
      const { gridAlong } = options;
      for (let i = 0; i < shape.outer; i++) {
        const at = i * shape.blocks + shape.blocks - 1;
        const index = !gridAlong ? 0 : gridAlong.first + (gridAlong.keep === along ? (shape.blocks - 1) * block : i);
        const coder = grids.coder(gridAlong ? Math.floor(index / gridAlong.size) % options.grids.length : 0);
        memory.fill(coder.code(coder.zero(zeroPoints[at]!)), codes + at * block + last, codes + (at + 1) * block);
      }
    },
    result: () => (scaling.kind === "affine" ? { scales, zeroPoints } : { scales }),
  };
}

type Six = [number, number, number, number, number, number];
