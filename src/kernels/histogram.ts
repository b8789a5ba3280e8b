// Counts and sums by the upper 16 bits of a value, plain reference.

import type { KernelJobs } from "./jobs.js";
import { floats } from "./numbers.js";

type Job = KernelJobs["histogram"];

export const BINS = 65536;

export function histogram(bytes: Uint8Array, { from, rows, columns }: Job["options"]): Job["result"] {
  const values = floats(bytes, from);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const counts = new Float64Array(BINS);
  const sums = new Float64Array(BINS);
  let nonFinite = 0;
  for (let i = 0; i < rows * columns; i++) {
    if (!Number.isFinite(values[i])) {
      nonFinite++;
      continue;
    }
    const bin = words[i]! >>> 16;
    counts[bin]!++;
    sums[bin]! += values[i]!;
  }
  return { counts, sums, nonFinite };
}
