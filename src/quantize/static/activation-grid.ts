// Scale and zero point of an activation, from the range that its codes must cover.
//   y = saturate(round_half_even(x / scale) + zero point)         https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html

import { roundHalfEven } from "../../kernels/numbers.js";
import type { ActivationType } from "../options.js";
import type { Bounds } from "./activation-tail.js";

export interface ActivationGrid {
  readonly dtype: ActivationType;
  /** A positive, normal float32. */
  readonly scale: number;
  /** The code of 0. */
  readonly zeroPoint: number;
}

export const CODES: Readonly<Record<ActivationType, readonly [low: number, high: number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** Scales below are not normal float32, or become none once they are multiplied. */
const TINY = 2 ** -100;

/**
 * The grid whose codes cover `range`, widened to hold 0, as ONNX Runtime divides: in float32. Where `bounds` are finite no
 * code stands for a number outside them, which is what lets the runtime take the Relu or Clip away.
 */
export function activationGrid(
  dtype: ActivationType,
  range: { readonly low: number; readonly high: number },
  bounds: Bounds,
): ActivationGrid {
  const [first, last] = CODES[dtype];
  const low = Math.max(Math.min(range.low, 0), bounds.low);
  const high = Math.min(Math.max(range.high, 0), bounds.high);
  let scale = Math.fround((high - low) / (last - first));
  // Nothing but zeros was seen, or next to nothing.
  if (!(scale >= TINY))
    return { dtype, scale: 1, zeroPoint: bounds.low === 0 ? first : bounds.high === 0 ? last : first };
  // A range of the largest floats.
  if (!Number.isFinite(scale)) scale = Math.fround(3e38 / (last - first)) * 2;
  const zeroPoint = Math.min(last, Math.max(first, roundHalfEven(first - low / scale)));
  const reaches = (grid: number) =>
    (zeroPoint > first && Math.fround((first - zeroPoint) * grid) < bounds.low) ||
    (zeroPoint < last && Math.fround((last - zeroPoint) * grid) > bounds.high);
  if (reaches(scale)) {
    if (zeroPoint > first) scale = Math.min(scale, -bounds.low / (zeroPoint - first));
    if (zeroPoint < last) scale = Math.min(scale, bounds.high / (last - zeroPoint));
    scale = Math.fround(scale);
    while (reaches(scale)) scale = before(scale);
  }
  return { dtype, scale, zeroPoint };
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The float32 below a positive one. */
function before(value: number): number {
  float[0] = value;
  word[0] = word[0]! - 1;
  return float[0]!;
}
