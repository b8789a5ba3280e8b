// float32 to float16 and to bfloat16, plain reference.

import { toBfloat16Bits, toFloat16Bits } from "../tensor/float16.js";
import type { KernelJobs } from "./jobs.js";
import { floats } from "./numbers.js";

type Cast = (bytes: Uint8Array) => KernelJobs["cast-float16"]["result"];

/** `infinity`: its bits, without the sign. */
const castTo =
  (toBits: (value: number) => number, infinity: number): Cast =>
  (bytes) => {
    const values = floats(bytes, "float32");
    const halves = new Uint16Array(values.length);
    let overflow = 0;
    let underflow = 0;
    let maxAbs = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const bits = toBits(value);
      halves[i] = bits;
      if (!Number.isFinite(value)) continue;
      if ((bits & 0x7fff) === infinity) overflow++;
      else if ((bits & 0x7fff) === 0 && value !== 0) underflow++;
      maxAbs = Math.max(maxAbs, Math.abs(value));
    }
    return { bytes: new Uint8Array(halves.buffer), overflow, underflow, maxAbs };
  };

export const castFloat16 = castTo(toFloat16Bits, 0x7c00);
export const castBfloat16 = castTo(toBfloat16Bits, 0x7f80);
