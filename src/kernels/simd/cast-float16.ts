// float32 to float16 in SIMD; the meaning is ../cast-half.ts.

import type { KernelJobs } from "../jobs.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

type Job = KernelJobs["cast-float16"];

const CHUNK = CHUNK_BYTES / 4;

export function castFloat16(machine: Machine, source: JobSource, length: number, output: Uint8Array): Job["result"] {
  return castFloats(machine, source, length, output, machine.run.castFloat16);
}

/** Any cast to 16 bits that counts as `castFloat16` does. */
export function castFloats(
  machine: Machine,
  source: JobSource,
  length: number,
  output: Uint8Array,
  cast: Machine["run"]["castFloat16"],
): Job["result"] {
  const count = length / 4;
  const [input, halves, counts] = machine.layout(CHUNK * 4, CHUNK * 2, 12) as [number, number, number];
  const memory = machine.bytes();
  memory.fill(0, counts, counts + 12);
  for (let first = 0; first < count; first += CHUNK) {
    const now = Math.min(CHUNK, count - first);
    machine.load(source, "float32", first, now, input, 0);
    cast(input, now, halves, counts);
    output.set(memory.subarray(halves, halves + now * 2), first * 2);
  }
  const [overflow, underflow] = new Uint32Array(memory.buffer, counts, 2) as unknown as [number, number];
  const [maxAbs] = new Float32Array(memory.buffer, counts + 8, 1) as unknown as [number];
  return { bytes: output, overflow, underflow, maxAbs };
}
