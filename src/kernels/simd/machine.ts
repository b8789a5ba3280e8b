// One instance of the SIMD kernels and its memory. Each job lays the memory out anew, from the bottom; it only grows.

import { internal } from "../../base/errors.js";
import type { FloatInput } from "../jobs.js";
import { FLOAT_BYTES } from "../numbers.js";
import { SIMD_BYTES } from "./bytes.js";

/** Pointers are byte addresses in the machine's memory; flags are 0 or 1. Described in assembly/. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  castFloat16(input: number, count: number, output: number, counts: number): void;
  castBfloat16(input: number, count: number, output: number, counts: number): void;
  histogram(input: number, count: number, counts: number, sums: number): number;
  moments(input: number, count: number, moments: number, ends: number): void;
  uniformBins(input: number, count: number, inverse: number, side: number, counts: number): void;
  widen(input: number, count: number, output: number): void;
  statisticsByRow(input: number, rows: number, columns: number, min: number, max: number, counts: number): void;
  statisticsByColumn(input: number, rows: number, columns: number, min: number, max: number, counts: number): void;
  countNonFinite(input: number, count: number): number;
  linearByRow(input: number, rows: number, columns: number, output: number, ...parameters: FourArrays): void;
  linearByColumn(input: number, rows: number, columns: number, output: number, ...parameters: FourArrays): void;
  linearByRow16(input: number, rows: number, columns: number, output: number, ...parameters: FourArrays): void;
  linearByColumn16(input: number, rows: number, columns: number, output: number, ...parameters: FourArrays): void;
  blocksAlongColumns(
    ...of: [input: number, rows: number, columns: number, ...BlockForm, ...BlockOutput, scratch: number]
  ): void;
  blocksAlongRows(
    ...of: [
      ...[input: number, rows: number, columns: number, stride: number],
      ...BlockForm,
      ...[output: number, step: number, scales: number, zeroPoints: number, scaleStep: number],
      scratch: number,
    ]
  ): void;
  useGrid(
    ...of: [
      ...[kind: number, low: number, steps: number, zero: number],
      ...[guesses: number, thresholds: number, numbers: number, names: number, planes: number, half: number],
    ]
  ): void;
  useFloat(mantissa: number, normal: number, largest: number, signShift: number): void;
  useRatios(ratios: number, tries: number, stride: number): void;
  useScaling(kind: number, divisor: number, format: number, tensorScale: number): void;
  useDraws(on: number, ...keys: [key0: number, key1: number, next0: number, next1: number, nextFrom: number]): void;
  spansAlongColumns(...of: [...Matrix, block: number, least: number, most: number]): void;
  spansAlongRows(...of: [...Matrix, least: number, most: number]): void;
  scalesOfSpans(count: number, least: number, most: number, ...of: ScaleArrays): void;
  gather(input: number, count: number, leap: number, output: number): void;
  clipSpan(values: number, count: number, share: number, scratch: number, least: number, most: number): void;
  searchAlongRows(...of: [...Matrix, least: number, most: number, scratch: number]): void;
  searchAlongColumns(...of: [...Matrix, block: number, least: number, most: number, scratch: number]): void;
  encodeRuns(...of: [...Matrix, block: number, output: number, width: number, ...UsedArrays, ...Indices]): number;
  encodeRows(...of: [...Matrix, output: number, width: number, ...UsedArrays, ...Indices]): number;
  packPlane(codes: number, count: number, radix: number, each: number, multiplier: number, output: number): void;
  transposeCodes(codes: number, rows: number, columns: number, output: number, step: number): void;
}
type Matrix = [input: number, rows: number, columns: number, stride: number];
type UsedArrays = [divisors: number, factors: number, zeros: number];
type ScaleArrays = [scales: number, ...UsedArrays, points: number];
type Indices = [index: number, indices: number];
type FourArrays = [divisors: number, lows: number, highs: number, biases: number];
type BlockForm = [block: number, bits: number, symmetric: number, half: number];
type BlockOutput = [output: number, scales: number, zeroPoints: number];

/** Where a job's input comes from; a worker reads it piece by piece, straight into the machine's memory. */
export interface JobSource {
  /** Fills `target` with the bytes of the input from `offset` on. */
  copy(target: Uint8Array, offset: number): void;
}

export interface Machine {
  readonly run: Exports;
  /** Room for pieces of these sizes (bytes), with slack after each for whole vectors; their addresses. Ends earlier layouts. */
  layout(...sizes: number[]): number[];
  /** All memory as it stands. Ends at the next `layout`. */
  bytes(): Uint8Array<ArrayBuffer>;
  /** `count` values from element `first` of a source, as float32 at `input`. float16 passes through `raw`. */
  load(source: JobSource, from: FloatInput, first: number, count: number, input: number, raw: number): void;
}

const PAGE = 65536;
/** Kernels read and write whole vectors: at most this much past the end of a piece. */
const SLACK = 128;
/** Input values worked on at once, in bytes: about the second-level cache of a core. */
export const CHUNK_BYTES = 256 * 1024;

export async function machine(): Promise<Machine> {
  const instance = await globals.WebAssembly.instantiate(bytesOf(SIMD_BYTES), {});
  return machineOf(instance.instance.exports);
}

function machineOf(run: Exports): Machine {
  let view = new Uint8Array(run.memory.buffer);
  return {
    run,
    layout(...sizes) {
      let end = SLACK;
      const addresses = sizes.map((size) => {
        const address = end;
        end += Math.ceil((size + SLACK) / 64) * 64;
        return address;
      });
      const missing = Math.ceil((end - view.byteLength) / PAGE);
      if (missing > 0) {
        if (end > 65535 * PAGE) throw internal(`a kernel job needs ${end} bytes of memory`);
        run.memory.grow(missing);
        view = new Uint8Array(run.memory.buffer);
      }
      return addresses;
    },
    bytes: () => view,
    load(source, from, first, count, input, raw) {
      const size = FLOAT_BYTES[from];
      const to = from === "float32" ? input : raw;
      source.copy(view.subarray(to, to + count * size), first * size);
      if (from === "float16") run.widen(raw, count, input);
    },
  };
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(globals.atob(base64), (letter) => letter.charCodeAt(0));
}

/** Not in the types of the core, because Node's types lack the first; there in every supported Node and browser. */
const globals = globalThis as unknown as {
  atob(base64: string): string;
  WebAssembly: { instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Exports } }> };
};
