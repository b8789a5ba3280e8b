// Codes of any grid in SIMD; the meaning is ../encode.ts. Codes of the whole job stand in memory, one a byte, until they are
// packed; values are read and worked on a chunk at a time.

import { packedBytes } from "../../tensor/packing.js";
import { drawKeys } from "../../tensor/random.js";
import { cut } from "../cut.js";
import { checkEncode, shapeOf } from "../encode.js";
import { isBlockwise } from "../encode-scale.js";
import type { EncodeOptions, EncodeResult } from "../jobs.js";
import { divisorOf } from "../numbers.js";
import { blockScales, scaleBytes } from "./encode-blocks.js";
import { type Grids, gridBytes, gridsIn } from "./encode-grids.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

/** A rectangle of the matrix whose values stand in memory, row by row, `stride` bytes apart. */
export interface Part {
  readonly input: number;
  readonly stride: number;
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** Blocks down the rows are read whole, in one call, up to this bound. */
const WIDEST_CHUNK = 4 * 2 ** 20;

export function encode(machine: Machine, source: JobSource, given: EncodeOptions, output: Uint8Array): EncodeResult {
  checkEncode(given);
  const shape = shapeOf(given);
  const tensorScale = Math.fround(given.tensorScale);
  const options = flattened({ ...given, tensorScale });
  const { packing, scaling, order, along, columns, block } = options;
  const blockwise = isBlockwise(scaling);
  const chunk = blockwise && along === "rows" ? chunkOfRows(options) : Math.max(CHUNK_BYTES, blockwise ? block * 4 : 0);
  const between = order === "outer" && along === "rows";
  const sizes = [chunk, chunk / 2, gridBytes(options), shape.codes, packedBytes(packing, shape.codes)];
  const [input, raw, tables, codes, packed, temporary, room] = machine.layout(
    ...[...sizes, between ? chunk / 4 : 0, scaleBytes(options, chunk)],
  ) as [number, number, number, number, number, number, number];
  const grids = gridsIn(machine, tables, options);
  const draws = drawsIn(machine, options);
  let squaredError = 0;
  let nonFinite = 0;

  if (blockwise) {
    const scales = blockScales(machine, options, shape, grids, room, chunk);
    const width = order === "own" ? columns : shape.blocks * block;
    each(machine, source, options, chunk, { input, raw }, (chunked) => {
      nonFinite += chunked.nonFinite;
      for (const part of byGrid(options, grids, chunked.part)) {
        const { divisors, factors, zeros } = scales.of(part);
        const start = [part.input, part.rows, part.columns, part.stride] as const;
        const used = [divisors, factors, zeros, draws.at(part), columns] as const;
        if (along === "columns") {
          const to = codes + part.row * width + part.column;
          squaredError += machine.run.encodeRuns(...start, block, to, width, ...used);
        } else {
          const to = between ? temporary : codes + part.row * columns + part.column;
          squaredError += machine.run.encodeRows(...start, to, between ? part.columns : columns, ...used);
          if (between) {
            const first = codes + part.column * width + part.row;
            machine.run.transposeCodes(temporary, part.rows, part.columns, first, width);
          }
        }
      }
    });
    if (order === "outer") scales.pad(codes);
    pack(machine, options, codes, shape.codes, packed, output);
    return { bytes: output, ...scales.result(), nonFinite, squaredError };
  }

  const keep = scaling.kind === "given" ? scaling.keep : "none";
  const entries = keep === "columns" ? columns : options.rows;
  const arrays = givenScales(machine, options, entries, room);
  each(machine, source, options, chunk, { input, raw }, (chunked) => {
    nonFinite += chunked.nonFinite;
    for (const part of byGrid(options, grids, chunked.part)) {
      const start = [part.input, part.rows, part.columns, part.stride] as const;
      const to = codes + part.row * columns + part.column;
      const at = (keep === "columns" ? part.column : part.row) * 4;
      const used = [...arrays.map((array) => array + at), draws.at(part), columns] as unknown as Used;
      squaredError +=
        keep === "columns"
          ? machine.run.encodeRows(...start, to, columns, ...used)
          : machine.run.encodeRuns(...start, part.columns, to, columns, ...used);
    }
  });
  pack(machine, options, codes, shape.codes, packed, output);
  return { bytes: output, scales: new Float32Array(0), nonFinite, squaredError };
}

type Used = [divisors: number, factors: number, zeros: number, index: number, indices: number];

/** Without scales or grids of its own a row is not told from the next. */
function flattened(options: EncodeOptions): EncodeOptions {
  const { scaling, gridAlong, rows, columns } = options;
  const plain = scaling.kind === "none" || (scaling.kind === "given" && scaling.keep === "none");
  return plain && !gridAlong ? { ...options, rows: 1, columns: rows * columns } : options;
}

function chunkOfRows({ columns, block }: EncodeOptions): number {
  return Math.max(CHUNK_BYTES, block * 64, Math.min(WIDEST_CHUNK, columns * block * 4));
}

/** Reads the matrix in parts: along the rows one block of them at a time, else as they stand in memory. */
function each(
  machine: Machine,
  source: JobSource,
  options: EncodeOptions,
  chunk: number,
  { input, raw }: { readonly input: number; readonly raw: number },
  work: (chunked: { readonly part: Part; readonly nonFinite: number }) => void,
): void {
  const { from, rows, columns, along, scaling } = options;
  const blockwise = isBlockwise(scaling);
  const load = (first: number, count: number, at: number) => machine.load(source, from, first, count, at, raw);
  if (!blockwise || along === "columns") {
    for (const slab of cut(rows, columns, 4, chunk, { columns: blockwise ? options.block : 16 })) {
      load(slab.offset / 4, slab.length / 4, input);
      const part = { ...slab, input, stride: slab.columns * 4 };
      work({ part, nonFinite: machine.run.countNonFinite(input, slab.length / 4) });
    }
    return;
  }
  const block = Math.min(options.block, rows);
  // Whole rows where a block of them fits the chunk (then one read), else as many columns as fit (a read a row).
  const width = Math.min(columns, Math.floor(chunk / 4 / block / 16) * 16);
  const height = width === columns ? Math.max(1, Math.floor(chunk / 4 / block / columns)) * block : block;
  for (let row = 0; row < rows; row += height) {
    const high = Math.min(height, rows - row);
    for (let column = 0; column < columns; column += width) {
      const wide = Math.min(width, columns - column);
      if (wide === columns) load(row * columns, high * columns, input);
      else for (let i = 0; i < high; i++) load((row + i) * columns + column, wide, input + i * wide * 4);
      for (let i = 0; i < high; i += block) {
        const at = input + i * wide * 4;
        const count = Math.min(block, high - i);
        const part = { input: at, stride: wide * 4, row: row + i, rows: count, column, columns: wide };
        work({ part, nonFinite: machine.run.countNonFinite(at, count * wide) });
      }
    }
  }
}

/** The part, cut where another grid begins, each piece with its grid in force. */
function* byGrid({ gridAlong, grids: all }: EncodeOptions, grids: Grids, part: Part): Generator<Part> {
  if (!gridAlong) {
    grids.use(0);
    yield part;
    return;
  }
  const { keep, size, first } = gridAlong;
  const [start, count] = keep === "rows" ? [part.row, part.rows] : [part.column, part.columns];
  for (let at = start; at < start + count; ) {
    const index = Math.floor((first + at) / size);
    const until = Math.min(start + count, (index + 1) * size - first);
    grids.use(index % all.length);
    yield keep === "rows"
      ? { ...part, input: part.input + (at - start) * part.stride, row: at, rows: until - at }
      : { ...part, input: part.input + (at - start) * 4, column: at, columns: until - at };
    at = until;
  }
}

/** Puts the draws in force, or rounding to nearest, and says which index a part begins at. */
function drawsIn(machine: Machine, { rounding, columns }: EncodeOptions) {
  if (rounding.kind === "nearest") {
    machine.run.useDraws(0, 0, 0, 0, 0, 0);
    return { at: () => 0 };
  }
  const { seed, first } = rounding;
  const high = Math.floor(first / 2 ** 32);
  machine.run.useDraws(1, ...drawKeys(seed, high), ...drawKeys(seed, high + 1), (high + 1) * 2 ** 32);
  return { at: (part: Part) => first + part.row * columns + part.column };
}

/** f32 divisors, factors and zero points of the rows or columns, as given. */
function givenScales(machine: Machine, { scaling, tensorScale, grids }: EncodeOptions, count: number, room: number) {
  const starts = [0, 1, 2].map((i) => room + i * (count * 4 + 64));
  const [divisors, factors, zeros] = starts.map((at) => new Float32Array(machine.bytes().buffer, at, count)) as [
    ...[Float32Array, Float32Array, Float32Array],
  ];
  const zero = grids[0]!.kind === "integer" ? -grids[0]!.low : 0;
  for (let i = 0; i < count; i++) {
    factors[i] = 1;
    zeros[i] = zero;
    if (scaling.kind === "given") {
      const { scales, zeroPoints, keep } = scaling;
      const at = keep === "none" ? 0 : i;
      factors[i] = scales[at % scales.length]! * tensorScale;
      zeros[i] = zeroPoints?.[at % zeroPoints.length] ?? zero;
    }
    divisors[i] = divisorOf(factors[i]!);
  }
  return starts;
}

function pack(
  machine: Machine,
  { packing }: EncodeOptions,
  codes: number,
  count: number,
  packed: number,
  output: Uint8Array,
): void {
  let to = packed;
  for (const { radix, each, multiplier } of packing.planes) {
    machine.run.packPlane(codes, count, radix, each, multiplier, to);
    to += Math.ceil(count / each);
  }
  output.set(machine.bytes().subarray(packed, to));
}
