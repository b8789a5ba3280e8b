// Rounding to a grid inside a graph that is trained: what it does to numbers, and the gradients that are stated for it. A number
// within the range of the grid passes its gradient on as if it were not rounded (straight through); one outside gets none.
// Few nodes, each one pass: on the CPU a pair of QuantizeLinear and DequantizeLinear takes half the time of Div, Round and Mul.

import { float } from "../ir/attributes.js";
import type { Emitter } from "./emitter.js";

/** A number that is trained, as it stands in the graph, and what its gradient is multiplied by. */
export interface Learned {
  readonly value: string;
  readonly factor: number;
}

/** Codes `first` to `last`, of which `zeroPoint` stands for 0; neighbours are `scale` apart. */
export interface ActivationRounding {
  readonly dtype: "uint8" | "int8" | "uint16" | "int16";
  readonly first: number;
  readonly last: number;
  /** A positive scalar. */
  readonly scale: string;
  /** A scalar of float32 that holds a code. */
  readonly zeroPoint: string;
  /** No number below the grid occurs. */
  readonly bounded?: boolean | undefined;
  /**
   * What learns from it. `scale`: the step size, LSQ (https://arxiv.org/abs/1902.08153, equation 3). `clip`: the same for the
   * range alone, PACT (https://arxiv.org/abs/1805.06085, equation 3), as the gradient of the scale. `zeroPoint`: LSQ+
   * (https://arxiv.org/abs/2004.09576, equation 6), in codes.
   */
  readonly scaleLearns?: (Learned & { readonly by: "lsq" | "pact" }) | undefined;
  readonly zeroPointLearns?: Learned | undefined;
}

/** What a value becomes on its grid, of the same shape. NaN becomes any code, as the runtime has it. */
export function roundedActivation(emit: Emitter, x: string, grid: ActivationRounding): string {
  const { dtype, first, last, scale, zeroPoint, bounded = false, scaleLearns, zeroPointLearns } = grid;
  const low = emit.mul(emit.sub(emit.number(first), zeroPoint), scale);
  const high = emit.mul(emit.sub(emit.number(last), zeroPoint), scale);
  const inside = emit.op("Clip", [x, low, high], { dims: emit.dims(x) });
  const point = emit.cast(zeroPoint, dtype);
  const codes = emit.op("QuantizeLinear", [inside, scale, point], { dtype, dims: emit.dims(x) });
  const y = emit.op("DequantizeLinear", [codes, scale, point], { dtype: "float32", dims: emit.dims(x) });
  const learned = [scaleLearns, zeroPointLearns].flatMap((one) => one?.value ?? []);
  return emit.custom(y, [x, ...learned], (dy) => {
    const dx = emit.mul(dy, within(emit, emit.sub(x, inside), bounded));
    const gradients = [dx];
    if (scaleLearns !== undefined) {
      // Inside the step size moves what is rounded by (y - x) / scale, outside the whole clipped number. PACT leaves the first out.
      const [rounded, plain] = scaleLearns.by === "lsq" ? [y, x] : [inside, inside];
      const moved = emit.sub(dot(emit, dy, rounded), dot(emit, dx, plain));
      gradients.push(emit.scale(emit.div(moved, scale), scaleLearns.factor));
    }
    if (zeroPointLearns !== undefined) {
      const outside = emit.sub(emit.total(dx), emit.total(dy));
      gradients.push(emit.scale(emit.mul(outside, scale), zeroPointLearns.factor));
    }
    return gradients;
  });
}

/** Codes `low` to `high` around 0. `scale`: of dimensions that broadcast to those of the weight; no element is 0. */
export interface WeightRounding {
  readonly low: number;
  readonly high: number;
  readonly scale: string;
  /** LSQ; of the dimensions of `scale`. */
  readonly scaleLearns?: Learned | undefined;
}

/** What a weight becomes on its grid: round half even in float32, as the file's codes are made. */
export function roundedWeight(emit: Emitter, x: string, { low, high, scale, scaleLearns }: WeightRounding): string {
  const dims = emit.dims(x);
  const quotient = emit.div(x, scale);
  const inside = emit.op("Clip", [quotient, emit.number(low), emit.number(high)], { dims });
  const codes = emit.op("Round", [inside]);
  const y = emit.mul(codes, scale);
  return emit.custom(y, [x, ...(scaleLearns === undefined ? [] : [scaleLearns.value])], (dy) => {
    const dx = emit.mul(dy, within(emit, emit.sub(quotient, inside), false));
    if (scaleLearns === undefined) return [dx];
    const moved = emit.sub(emit.mul(dy, codes), emit.mul(dx, quotient));
    return [dx, emit.scale(emit.reduceTo(moved, emit.dims(scale)), scaleLearns.factor)];
  });
}

/** A vector as multiples of numbers of its own length, straight through: what int32 biases are. */
export function roundedBias(emit: Emitter, x: string, scale: string): string {
  const y = emit.mul(emit.op("Round", [emit.div(x, scale)]), scale);
  return emit.custom(y, [x], (dy) => [dy]);
}

/** 1 where nothing was cut off, else 0; `upwards`: what was cut off was positive. */
function within(emit: Emitter, cut: string, upwards: boolean): string {
  const attributes = { alpha: float(-STEEP), beta: float(1) };
  return emit.op("HardSigmoid", [upwards ? cut : emit.abs(cut)], { attributes, name: "within" });
}

/** Takes what is above 1e-30 beyond 1, and what is below 1e8 not beyond the largest float32. */
const STEEP = 1e30;

const dot = (emit: Emitter, a: string, b: string) => emit.total(emit.mul(a, b));
