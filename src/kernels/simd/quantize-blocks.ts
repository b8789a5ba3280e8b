// Blockwise codes in SIMD; the meaning is ../quantize-blocks.ts.

import { internal } from "../../base/errors.js";
import { cut } from "../cut.js";
import type { KernelJobs } from "../jobs.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

type Job = KernelJobs["quantize-blocks"];

export function quantizeBlocks(
  machine: Machine,
  source: JobSource,
  options: Job["options"],
  output: Uint8Array,
): Job["result"] {
  const { rows, columns, along, block, symmetric } = options;
  if (block <= 0 || block % 16 !== 0) throw internal(`blocks of ${block}: not a multiple of 16`);
  const [outer, inner] = along === "rows" ? [columns, rows] : [rows, columns];
  const count = outer * Math.ceil(inner / block);
  const place = { input: 0, raw: 0, scratch: 0, codes: 0, scales: 0, zeroPoints: 0 };
  const chunk = along === "rows" ? chunkOfRows(columns, block) : Math.max(CHUNK_BYTES, block * 4);
  const sizes = [chunk, chunk / 2, block * 64 + 64, output.byteLength, count * 4, count];
  const addresses = machine.layout(...sizes);
  for (const [i, name] of (Object.keys(place) as (keyof Place)[]).entries()) place[name] = addresses[i]!;
  const work = along === "rows" ? alongRows : alongColumns;
  const nonFinite = work(machine, source, options, chunk, place);
  const memory = machine.bytes();
  output.set(memory.subarray(place.codes, place.codes + output.byteLength));
  const scales = new Float32Array(memory.buffer, place.scales, count).slice();
  if (symmetric) return { bytes: output, scales, nonFinite };
  return { bytes: output, scales, nonFinite, zeroPoints: memory.slice(place.zeroPoints, place.zeroPoints + count) };
}

/**
 * Blocks down the rows are worked on a row of blocks at a time: read whole, in one call, up to a bound; a read for each
 * part of a row takes longer than the kernel does.
 */
function chunkOfRows(columns: number, block: number): number {
  return Math.max(CHUNK_BYTES, block * 64, Math.min(WIDEST_CHUNK, columns * block * 4));
}

const WIDEST_CHUNK = 4 * 2 ** 20;

type Place = Record<"input" | "raw" | "scratch" | "codes" | "scales" | "zeroPoints", number>;

/** Both directions return how many values are not finite: counted apart, in what was just read and is in the cache. */
function alongColumns(
  machine: Machine,
  source: JobSource,
  options: Job["options"],
  chunk: number,
  place: Place,
): number {
  const { from, rows, columns, block, bits } = options;
  const blocks = Math.ceil(columns / block);
  let nonFinite = 0;
  for (const part of cut(rows, columns, 4, chunk, { columns: block })) {
    machine.load(source, from, part.offset / 4, part.length / 4, place.input, place.raw);
    nonFinite += machine.run.countNonFinite(place.input, part.length / 4);
    const at = part.row * blocks + part.column / block;
    machine.run.blocksAlongColumns(
      ...[place.input, part.rows, part.columns, block, bits, flag(options.symmetric), flag(from === "float16")],
      ...[place.codes + (at * block * bits) / 8, place.scales + at * 4, place.zeroPoints + at, place.scratch],
    );
  }
  return nonFinite;
}

function alongRows(machine: Machine, source: JobSource, options: Job["options"], chunk: number, place: Place): number {
  const { from, rows, columns, block, bits } = options;
  const blocks = Math.ceil(rows / block);
  const blob = (block * bits) / 8;
  // Whole rows where a block of them fits the chunk (then one read), else as many columns as fit (a read per row).
  const width = Math.min(columns, Math.floor(chunk / 4 / block / 16) * 16);
  const height = width === columns ? Math.max(1, Math.floor(chunk / 4 / block / columns)) * block : block;
  let nonFinite = 0;
  for (let row = 0; row < rows; row += height) {
    const high = Math.min(height, rows - row);
    for (let column = 0; column < columns; column += width) {
      const wide = Math.min(width, columns - column);
      if (wide === columns) machine.load(source, from, row * columns, high * columns, place.input, place.raw);
      else {
        for (let i = 0; i < high; i++) {
          machine.load(source, from, (row + i) * columns + column, wide, place.input + i * wide * 4, place.raw);
        }
      }
      nonFinite += machine.run.countNonFinite(place.input, high * wide);
      for (let i = 0; i < high; i += block) {
        const at = column * blocks + (row + i) / block;
        machine.run.blocksAlongRows(
          ...[place.input + i * wide * 4, Math.min(block, high - i), wide, wide * 4],
          ...[block, bits, flag(options.symmetric), flag(from === "float16")],
          ...[place.codes + at * blob, blocks * blob, place.scales + at * 4, place.zeroPoints + at, blocks],
          place.scratch,
        );
      }
    }
  }
  return nonFinite;
}

const flag = (on: boolean): number => (on ? 1 : 0);
