// Range and counts in SIMD; the meaning is ../statistics.ts.

import { cut } from "../cut.js";
import type { KernelJobs } from "../jobs.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

type Job = KernelJobs["statistics"];

export function statistics(machine: Machine, source: JobSource, options: Job["options"]): Job["result"] {
  const { from, keep } = options;
  const [rows, columns] = keep === "none" ? [1, options.rows * options.columns] : [options.rows, options.columns];
  const kept = keep === "columns" ? columns : rows;
  const chunk = CHUNK_BYTES;
  const [input, raw, min, max, counts] = machine.layout(chunk, chunk / 2, kept * 4, kept * 4, 8) as Five;
  const { buffer } = machine.bytes();
  const least = new Float32Array(buffer, min, kept).fill(Number.POSITIVE_INFINITY);
  const most = new Float32Array(buffer, max, kept).fill(Number.NEGATIVE_INFINITY);
  const both = new Uint32Array(buffer, counts, 2).fill(0);
  // Counts of one chunk are 32 bits wide; the sums are not.
  let nonZero = 0;
  let nonFinite = 0;
  for (const part of cut(rows, columns, 4, chunk)) {
    machine.load(source, from, part.offset / 4, part.length / 4, input, raw);
    const at = (keep === "columns" ? part.column : part.row) * 4;
    const run = keep === "columns" ? machine.run.statisticsByColumn : machine.run.statisticsByRow;
    run(input, part.rows, part.columns, min + at, max + at, counts);
    nonZero += both[0]!;
    nonFinite += both[1]!;
    both.fill(0);
  }
  return { min: least.slice(), max: most.slice(), nonZero, nonFinite };
}

type Five = [number, number, number, number, number];
