// float32 to float16, plain reference.

import { toFloat16Bits } from "../tensor/float16.js";
import type { KernelJobs } from "./jobs.js";
import { floats } from "./numbers.js";

type Job = KernelJobs["cast-float16"];

export function castFloat16(bytes: Uint8Array): Job["result"] {
  const values = floats(bytes, "float32");
  const halves = new Uint16Array(values.length);
  let overflow = 0;
  let underflow = 0;
  let maxAbs = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const bits = toFloat16Bits(value);
    halves[i] = bits;
    if (!Number.isFinite(value)) continue;
    if ((bits & 0x7fff) === 0x7c00) overflow++;
    else if ((bits & 0x7fff) === 0 && value !== 0) underflow++;
    maxAbs = Math.max(maxAbs, Math.abs(value));
  }
  return { bytes: new Uint8Array(halves.buffer), overflow, underflow, maxAbs };
}
