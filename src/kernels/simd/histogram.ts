// Counts and sums by the upper 16 bits of a value, compiled; the meaning is ../histogram.ts.

import { BINS } from "../histogram.js";
import type { KernelJobs } from "../jobs.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

type Job = KernelJobs["histogram"];

const CHUNK = CHUNK_BYTES / 4;

export function histogram(machine: Machine, source: JobSource, options: Job["options"]): Job["result"] {
  const { from, rows, columns } = options;
  const [input, raw, counts, sums] = machine.layout(CHUNK * 4, CHUNK * 2, BINS * 4, BINS * 8) as Four;
  const { buffer } = machine.bytes();
  const numbers = new Uint32Array(buffer, counts, BINS).fill(0);
  const totals = new Float64Array(buffer, sums, BINS).fill(0);
  let nonFinite = 0;
  const count = rows * columns;
  for (let first = 0; first < count; first += CHUNK) {
    const now = Math.min(CHUNK, count - first);
    machine.load(source, from, first, now, input, raw);
    nonFinite += machine.run.histogram(input, now, counts, sums);
  }
  return { counts: Float64Array.from(numbers), sums: totals.slice(), nonFinite };
}

type Four = [number, number, number, number];
