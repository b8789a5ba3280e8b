// The gradient of normalisation, which LayerNormalization and its kin share: xhat = (x - mean(x)) r with
// r = 1 / sqrt(variance + epsilon), over the last axis (Ba et al. 2016); without the mean it is RMSNorm.

import { float } from "../../ir/attributes.js";
import type { Emitter } from "../emitter.js";

export interface Normalised {
  /** [..., D]: normalised over the last axis. */
  readonly xhat: string;
  /** [..., 1]: 1 / sqrt(variance + epsilon). */
  readonly inverse: string;
  /** Whether the mean was taken off. */
  readonly centred: boolean;
}

/** Normalises `x` again, over its last axis: cheaper than keeping it. */
export function normalise(emit: Emitter, x: string, epsilon: number, centred: boolean): Normalised {
  const { dtype, dims } = emit.shape(x);
  const last = dims.length - 1;
  const size = dims[last]!;
  // The runtime's own kernel makes one pass where five nodes make five; its statistics are float32 whatever the input is.
  if (centred && dtype === "float32") {
    const ones = emit.floats([size], new Array<number>(size).fill(1));
    const each = { dtype, dims: dims.with(last, 1) };
    const [xhat, , inverse] = emit.ops("LayerNormalization", [x, ones], [{ dtype, dims }, each, each], {
      attributes: { axis: last, epsilon: float(epsilon) },
    });
    return { xhat: xhat!, inverse: inverse!, centred };
  }
  const from = centred ? emit.sub(x, emit.reduceMean(x, [last])) : x;
  const square = emit.scale(emit.reduceSquares(from, [last]), 1 / size);
  const inverse = emit.reciprocal(emit.sqrt(emit.shift(square, epsilon)));
  return { xhat: emit.mul(from, inverse), inverse, centred };
}

export interface NormalisedGradient {
  /** [..., D]: the gradient of xhat. Undefined where only the statistics are read. */
  readonly gradient?: string | undefined;
  /** [..., 1]: gradients of the mean and of 1 / sqrt(variance + epsilon), where these are results too. */
  readonly mean?: string | undefined;
  readonly inverse?: string | undefined;
}

/** dx = r (g - mean(g) - xhat mean(g xhat)), and what comes through the statistics. */
export function normaliseGradient(emit: Emitter, of: Normalised, from: NormalisedGradient): string {
  const last = [emit.rank(of.xhat) - 1];
  const size = emit.dims(of.xhat).at(-1)!;
  const parts: string[] = [];
  if (from.gradient !== undefined) {
    const g = from.gradient;
    const along = emit.mul(of.xhat, emit.reduceMean(emit.mul(g, of.xhat), last));
    const flat = of.centred ? emit.sub(g, emit.reduceMean(g, last)) : g;
    parts.push(emit.mul(emit.sub(flat, along), of.inverse));
  }
  if (from.mean !== undefined) parts.push(emit.scale(from.mean, 1 / size));
  if (from.inverse !== undefined) {
    const square = emit.square(of.inverse);
    parts.push(emit.mul(of.xhat, emit.scale(emit.mul(from.inverse, square), -1 / size)));
  }
  return parts.reduce((sum, part) => emit.add(sum, part));
}
