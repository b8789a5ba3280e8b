// Range and counts of a matrix, plain reference.

import type { KernelJobs } from "./jobs.js";
import { floats } from "./numbers.js";

type Job = KernelJobs["statistics"];

export function statistics(bytes: Uint8Array, { from, rows, columns, keep }: Job["options"]): Job["result"] {
  const values = floats(bytes, from);
  const kept = keep === "none" ? 1 : keep === "rows" ? rows : columns;
  const min = new Float32Array(kept).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(kept).fill(Number.NEGATIVE_INFINITY);
  let nonZero = 0;
  let nonFinite = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = values[row * columns + column]!;
      if (value !== 0) nonZero++;
      if (!Number.isFinite(value)) {
        nonFinite++;
        continue;
      }
      const at = keep === "none" ? 0 : keep === "rows" ? row : column;
      if (value < min[at]!) min[at] = value;
      if (value > max[at]!) max[at] = value;
    }
  }
  // -0 becomes +0, so that the order of reading does not show.
  for (let i = 0; i < kept; i++) {
    min[i]! += 0;
    max[i]! += 0;
  }
  return { min, max, nonZero, nonFinite };
}
