// float32 to bfloat16 in SIMD; the meaning is ../cast-half.ts.

import type { KernelJobs } from "../jobs.js";
import { castFloats } from "./cast-float16.js";
import type { JobSource, Machine } from "./machine.js";

export function castBfloat16(
  machine: Machine,
  source: JobSource,
  length: number,
  output: Uint8Array,
): KernelJobs["cast-bfloat16"]["result"] {
  return castFloats(machine, source, length, output, machine.run.castBfloat16);
}
