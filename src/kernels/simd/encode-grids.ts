// Grids as the "encode" kernels read them: tables in the machine's memory, and which of them is in force.

import { type Coder, coderOf } from "../encode-grid.js";
import { rangeDivisor } from "../encode-scale.js";
import { ratiosOf, strideOf } from "../encode-search.js";
import type { EncodeOptions, Grid } from "../jobs.js";
import type { Machine } from "./machine.js";

/** thresholds and numbers f32[256], codes u8[256], bytes of the first 16 numbers u8[4][16]. */
const TABLE_BYTES = 256 * 9 + 64;
const GUESS_BYTES = 65536;
/** Values of one grid in one job from which on the table of guesses is worth making: about a tenth of their time. */
const WORTH_GUESSES = 32768;

const SCALINGS = { signed: 0, absolute: 1, affine: 2, mean: 3, none: 1, given: 1 } as const;
/** Grids that differ in how they are rounded to. */
const KINDS = { integers: 0, floats: 1, few: 2, many: 3 } as const;
const FORMATS = { float32: 0, float16: 1, shared16: 2, float8e8m0: 3, float8e4m3fn: 4 } as const;

export interface Grids {
  /** Puts grid `index` in force. */
  use(index: number): void;
  /** Its plain meaning. */
  coder(index: number): Coder;
}

/** Bytes of all tables. */
export function gridBytes({ grids, rows, columns, range }: EncodeOptions): number {
  const each = TABLE_BYTES + (guessing(grids.length, rows * columns) ? GUESS_BYTES : 0);
  return grids.length * each + (range.kind === "mse" ? Math.max(3, range.steps) * 4 : 0);
}

const guessing = (grids: number, values: number) => values / grids >= WORTH_GUESSES;

/** Writes the tables from address `at` on (a multiple of 4). */
export function gridsIn(machine: Machine, at: number, options: EncodeOptions): Grids {
  const { grids, rows, columns, range, scaling, scaleFormat, tensorScale } = options;
  const memory = machine.bytes();
  const guessed = guessing(grids.length, rows * columns);
  const coders = grids.map(coderOf);
  const place = (index: number) => at + index * TABLE_BYTES;
  const guesses = (index: number) => (guessed ? place(grids.length) + index * GUESS_BYTES : 0);
  const ratios = guesses(grids.length) || place(grids.length);
  for (const [i, grid] of grids.entries()) {
    if (grid.kind === "integer") continue;
    const start = place(i);
    const thresholds = new Float32Array(memory.buffer, start, 256).fill(Number.NaN);
    thresholds.set(grid.thresholds);
    new Float32Array(memory.buffer, start + 1024, 256).set(grid.levels);
    memory.set(grid.codes, start + 2048);
    for (let at = 0; at < 64; at++) memory[start + 2304 + (at % 4) * 16 + (at >> 2)] = memory[start + 1024 + at]!;
    if (guessed) guess(grid.thresholds, memory.subarray(guesses(i), guesses(i) + GUESS_BYTES));
  }
  const tried = (coder: Coder) =>
    range.kind === "mse" ? ratiosOf(range.steps, coder.steps + 1, scaleFormat) : new Float32Array(0);
  const tries = tried(coders[0]!).length;
  let inForce = -1;
  machine.run.useRatios(ratios, tries, strideOf(tries));
  return {
    coder: (index) => coders[index]!,
    use(index) {
      if (index === inForce) return;
      const coder = coders[index]!;
      inForce = index;
      const { low, steps, zeroPoint } = coder;
      const start = place(index);
      const grid = grids[index]!;
      const kind = KINDS[grid.kind === "integer" ? "integers" : grid.float ? "floats" : steps < 16 ? "few" : "many"];
      const half = 2 ** Math.max(0, Math.ceil(Math.log2(steps + 1)) - 1);
      const tables = [guesses(index), start, start + 1024, start + 2048, start + 2304] as const;
      machine.run.useGrid(kind, low, steps, zeroPoint, ...tables, half);
      if (grid.kind === "levels" && grid.float) {
        const { bits, mantissaBits, minNormal, max } = grid.float;
        machine.run.useFloat(mantissaBits, minNormal, max, 32 - bits);
      }
      machine.run.useScaling(
        SCALINGS[scaling.kind],
        rangeDivisor(coder, scaleFormat),
        FORMATS[scaleFormat],
        tensorScale,
      );
      new Float32Array(memory.buffer, ratios, tries).set(tried(coder));
    },
  };
}

/** For every upper 16 bits of a float32, how many thresholds are not above the smallest number that has them. */
function guess(thresholds: Extract<Grid, { kind: "levels" }>["thresholds"], table: Uint8Array): void {
  const words = new Uint32Array(thresholds.buffer, thresholds.byteOffset, thresholds.length);
  const negative = thresholds.filter((threshold) => threshold < 0).length;
  // Positive numbers: the smallest has zeros below.
  let cell = 0;
  for (let count = negative; count <= thresholds.length; count++) {
    const until = count < thresholds.length ? Math.ceil((words[count]! & 0x7fffffff) / 65536) : 0x8000;
    if (until > cell) table.fill(count, cell, until);
    cell = Math.max(cell, until);
  }
  // Negative ones: the smallest has ones below, and cells ascend as numbers fall.
  cell = 0x8000;
  for (let count = negative; count >= 0; count--) {
    const until = count > 0 ? 0x8001 + Math.floor(((words[count - 1]! & 0x7fffffff) - 65535) / 65536) : 0x10000;
    if (until > cell) table.fill(count, cell, until);
    cell = Math.max(cell, until);
  }
}
