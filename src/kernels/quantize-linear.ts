// int8, uint8, int16 or uint16 codes with given scales, plain reference. The arithmetic of ONNX QuantizeLinear: divide, round half to
// even, add the zero point, saturate.

import type { KernelJobs } from "./jobs.js";
import { codeOf, divisorOf, floats } from "./numbers.js";

type Job = KernelJobs["quantize-linear"];

/** Bytes of a code: two where 8 bits do not hold its range. */
export const codeBytes = ({ low, high }: Pick<Job["options"], "low" | "high">): 1 | 2 =>
  low < -128 || high > 255 ? 2 : 1;

export function quantizeLinear(bytes: Uint8Array, options: Job["options"]): Job["result"] {
  const { from, rows, columns, keep, scales, zeroPoints, low, high } = options;
  const size = codeBytes(options);
  const values = floats(bytes, from);
  const codes = size === 1 ? new Uint8Array(rows * columns) : new Uint16Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = keep === "none" ? 0 : keep === "rows" ? row : column;
      const i = row * columns + column;
      codes[i] = codeOf(values[i]!, divisorOf(scales[at]!), zeroPoints?.[at] ?? 0, low, high);
    }
  }
  return { bytes: new Uint8Array(codes.buffer) };
}
