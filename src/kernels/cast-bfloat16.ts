// float32 to bfloat16, plain reference.

import { toBfloat16Bits } from "../tensor/float16.js";
import type { KernelJobs } from "./jobs.js";
import { floats } from "./numbers.js";

type Job = KernelJobs["cast-bfloat16"];

export function castBfloat16(bytes: Uint8Array): Job["result"] {
  const values = floats(bytes, "float32");
  const halves = new Uint16Array(values.length);
  let overflow = 0;
  let underflow = 0;
  let maxAbs = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const bits = toBfloat16Bits(value);
    halves[i] = bits;
    if (!Number.isFinite(value)) continue;
    if ((bits & 0x7fff) === 0x7f80) overflow++;
    else if ((bits & 0x7fff) === 0 && value !== 0) underflow++;
    maxAbs = Math.max(maxAbs, Math.abs(value));
  }
  return { bytes: new Uint8Array(halves.buffer), overflow, underflow, maxAbs };
}
