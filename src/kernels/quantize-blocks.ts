// Blockwise 4 and 8 bit codes as MatMulNBits stores them, plain reference. Scales and zero points are those of ONNX
// Runtime's own quantizer (mlas/lib/q4_dq.cpp); codes are rounded half to even after a true division, where ONNX Runtime
// multiplies by the reciprocal and rounds half up: codes may differ by one where x / scale is within an ulp of a half.

import { fromFloat16Bits, toFloat16Bits } from "../tensor/float16.js";
import type { KernelJobs } from "./jobs.js";
import { codeOf, divisorOf, floats } from "./numbers.js";

type Job = KernelJobs["quantize-blocks"];

export function quantizeBlocks(bytes: Uint8Array, options: Job["options"]): Job["result"] {
  const { from, rows, columns, along, block, bits, symmetric } = options;
  const values = floats(bytes, from);
  const [outer, inner] = along === "rows" ? [columns, rows] : [rows, columns];
  const [outerStep, innerStep] = along === "rows" ? [1, columns] : [columns, 1];
  const blocks = Math.ceil(inner / block);
  const blobBytes = (block * bits) / 8;
  const codes = new Uint8Array(outer * blocks * blobBytes);
  const scales = new Float32Array(outer * blocks);
  const zeroPoints = new Uint8Array(outer * blocks);
  const high = 2 ** bits - 1;

  for (let i = 0; i < outer; i++) {
    for (let b = 0; b < blocks; b++) {
      const at = i * blocks + b;
      const start = i * outerStep + b * block * innerStep;
      const length = Math.min(block, inner - b * block);
      const { scale, zeroPoint } = parameters(range(values, start, innerStep, length), bits, symmetric, from);
      scales[at] = scale;
      zeroPoints[at] = zeroPoint;
      const divisor = divisorOf(scale);
      for (let k = 0; k < block; k++) {
        const code = k < length ? codeOf(values[start + k * innerStep]!, divisor, zeroPoint, 0, high) : zeroPoint; // padding
        const byte = at * blobBytes + ((k * bits) >> 3);
        codes[byte]! |= code << ((k * bits) & 7);
      }
    }
  }
  let nonFinite = 0;
  for (let at = 0; at < rows * columns; at++) if (!Number.isFinite(values[at])) nonFinite++;
  return symmetric ? { bytes: codes, scales, nonFinite } : { bytes: codes, scales, nonFinite, zeroPoints };
}

/** Smallest and largest finite value of a block; 0 and 0 where there is none. */
function range(values: Float32Array, start: number, step: number, length: number): { min: number; max: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < length; k++) {
    const value = values[start + k * step]!;
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min > max ? { min: 0, max: 0 } : { min, max };
}

function parameters(
  { min, max }: { min: number; max: number },
  bits: 4 | 8,
  symmetric: boolean,
  from: Job["options"]["from"],
): { scale: number; zeroPoint: number } {
  // A float16 model stores float16 scales: the codes must be made for the scale that is stored.
  const stored = (scale: number) => (from === "float16" ? fromFloat16Bits(toFloat16Bits(scale)) : scale) + 0;
  const half = 2 ** (bits - 1);
  if (symmetric) {
    const extreme = Math.abs(max) > Math.abs(min) ? max : min;
    return { scale: stored(Math.fround(extreme / -half)), zeroPoint: half };
  }
  const levels = 2 ** bits - 1;
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  const width = Math.fround(high - low);
  // A range beyond float32 is divided before it is subtracted.
  const scale = Number.isFinite(width)
    ? Math.fround(width / levels)
    : Math.fround(Math.fround(high / levels) - Math.fround(low / levels));
  if (scale === 0) return { scale: 0, zeroPoint: 0 };
  const zero = Math.fround(0 - Math.fround(low / scale));
  return { scale: stored(scale), zeroPoint: Math.floor(Math.min(zero, levels) + 0.5) };
}
