// Masks as numbers, for a product with a gradient. Measured in ONNX Runtime on the CPU, 64x64x32x32 floats, 2 threads: Where
// 60 to 120 ms, Sign 31 ms; Greater, Cast, Clip, HardSigmoid and Mul 1 to 2 ms each. So rules choose by multiplying: a gradient
// that is not finite is then NaN where it is not chosen, which ends a step either way.

import { float } from "../../ir/attributes.js";
import type { Emitter } from "../emitter.js";

/** Takes what is above 1e-30 beyond 1, and what is below 1e8 not beyond the largest float32. */
const STEEP = 1e30;

/**
 * 1 where x > 1e-30 (below that a part of 1), 0 where x < 0, `atZero` (default 0) where x is 0. One node in float32: a
 * HardSigmoid so steep that it is a step. It must stay in float32: in float16 the slope is infinite.
 */
export function step(emit: Emitter, x: string, atZero = 0): string {
  if (emit.dtype(x) === "float32") {
    return emit.op("HardSigmoid", [x], { attributes: { alpha: float(STEEP), beta: float(atZero) }, name: "step" });
  }
  return clip(emit, emit.shift(emit.scale(x, STEEP), atZero), 0, 1);
}

/** -1, 0 or 1. */
export const signs = (emit: Emitter, x: string): string => clip(emit, emit.scale(x, STEEP), -1, 1);

/** A bool as 0 or 1 of the element type of `like`. */
export const truth = (emit: Emitter, condition: string, like: string): string => emit.cast(condition, emit.dtype(like));

const clip = (emit: Emitter, x: string, low: number, high: number): string =>
  emit.op("Clip", [x, emit.like(low, x), emit.like(high, x)], { dims: emit.dims(x) });

/** `value - x`. */
export const from = (emit: Emitter, value: number, x: string): string => emit.sub(emit.like(value, x), x);
