// Codes of 8 and 16 bits in SIMD; the meaning is ../quantize-linear.ts.

import { internal } from "../../base/errors.js";
import { cut } from "../cut.js";
import type { KernelJobs } from "../jobs.js";
import { divisorOf } from "../numbers.js";
import { codeBytes } from "../quantize-linear.js";
import { CHUNK_BYTES, type JobSource, type Machine } from "./machine.js";

type Job = KernelJobs["quantize-linear"];

/** The bits of 1.5 x 2^23, to which the kernel adds the rounded ratio. */
const ROUNDING_BITS = 0x4b400000;

export function quantizeLinear(
  machine: Machine,
  source: JobSource,
  options: Job["options"],
  output: Uint8Array,
): Job["result"] {
  const { from, keep, scales, zeroPoints, low, high } = options;
  const [rows, columns] = keep === "none" ? [1, options.rows * options.columns] : [options.rows, options.columns];
  const kept = keep === "columns" ? columns : rows;
  if (scales.length !== kept || (zeroPoints && zeroPoints.length !== kept)) {
    throw internal(`${kept} scales wanted, got ${scales.length}, and ${zeroPoints?.length ?? "no"} zero points`);
  }
  const chunk = CHUNK_BYTES;
  const size = codeBytes(options);
  const { linearByColumn, linearByColumn16, linearByRow, linearByRow16 } = machine.run;
  const run =
    keep === "columns" ? [linearByColumn, linearByColumn16][size - 1]! : [linearByRow, linearByRow16][size - 1]!;
  const four = Array.from({ length: 4 }, () => kept * 4);
  const [input, raw, bytes, ...arrays] = machine.layout(chunk, chunk / 2, (chunk / 4) * size, ...four) as [
    ...[number, number, number],
    ...[number, number, number, number],
  ];
  const memory = machine.bytes();
  const [divisors, lows, highs] = arrays.slice(0, 3).map((at) => new Float32Array(memory.buffer, at, kept)) as [
    ...[Float32Array, Float32Array, Float32Array],
  ];
  const biases = new Int32Array(memory.buffer, arrays[3], kept);
  for (let i = 0; i < kept; i++) {
    const zeroPoint = zeroPoints?.[i] ?? 0;
    divisors[i] = divisorOf(scales[i]!);
    lows[i] = low - zeroPoint;
    highs[i] = high - zeroPoint;
    biases[i] = ROUNDING_BITS - zeroPoint;
  }
  for (const part of cut(rows, columns, 4, chunk)) {
    const count = part.length / 4;
    machine.load(source, from, part.offset / 4, count, input, raw);
    const at = (keep === "columns" ? part.column : part.row) * 4;
    const [a, b, c, d] = arrays;
    run(input, part.rows, part.columns, bytes, a + at, b + at, c + at, d + at);
    output.set(memory.subarray(bytes, bytes + count * size), (part.offset / 4) * size);
  }
  return { bytes: output };
}
