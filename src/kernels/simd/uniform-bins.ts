// Counts in bins of equal width, compiled; the meaning is ../uniform-bins.ts.

import type { KernelJobs } from "../jobs.js";
import { exponentFor, SIDE, total, trimmed } from "../uniform-bins.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

type Job = KernelJobs["uniform-bins"];

const CHUNK = CHUNK_BYTES / 4;
/** Bins of all values, and one for each lane where zeros and what is not finite go, uncounted. */
const BINS = 2 * SIDE + 4;

export function uniformBins(machine: Machine, source: JobSource, options: Job["options"]): Job["result"] {
  const { from, rows, columns } = options;
  const [input, raw, counts, moments, ends] = machine.layout(CHUNK * 4, CHUNK * 2, BINS * 4, 64, 16) as Five;
  const { buffer } = machine.bytes();
  const bins = new Uint32Array(buffer, counts, BINS).fill(0);
  const lanes = new Float64Array(buffer, moments, 8).fill(0);
  const extremes = new Float32Array(buffer, ends, 2);
  const met = new Uint32Array(buffer, ends + 8, 2);
  extremes.set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  let exponent = Math.max(options.exponent ?? exponentFor(0), exponentFor(0));
  let [zeros, nonFinite] = [0, 0];
  const count = rows * columns;
  for (let first = 0; first < count; first += CHUNK) {
    const now = Math.min(CHUNK, count - first);
    machine.load(source, from, first, now, input, raw);
    met.fill(0);
    machine.run.moments(input, now, moments, ends);
    zeros += met[0]!;
    nonFinite += met[1]!;
    const wanted = exponentFor(Math.max(Math.abs(extremes[0]!), Math.abs(extremes[1]!)));
    // Not yet: a chunk without a finite number leaves the extremes infinite.
    if (extremes[0]! <= extremes[1]! && wanted > exponent) {
      coarsen(bins, wanted - exponent);
      exponent = wanted;
    }
    machine.run.uniformBins(input, now, 2 ** -exponent, SIDE, counts);
  }
  const [min, max] = [extremes[0]! + 0, extremes[1]! + 0];
  const moved = { sum: total(lanes.subarray(0, 4)), squares: total(lanes.subarray(4)) };
  return { min, max, nonFinite, zeros, ...moved, exponent, ...trimmed(bins.subarray(0, 2 * SIDE)) };
}

/** Bins 2^by times as wide, in place: from the middle outwards each goes where nothing is left to be read. */
function coarsen(bins: Uint32Array, by: number): void {
  const shift = Math.min(by, 31);
  for (let from = 0; from < SIDE; from++) {
    const to = from >> shift;
    for (const [source, target] of [
      [SIDE + from, SIDE + to],
      [SIDE - 1 - from, SIDE - 1 - to],
    ] as const) {
      const count = bins[source]!;
      bins[source] = 0;
      bins[target]! += count;
    }
  }
}

type Five = [number, number, number, number, number];
