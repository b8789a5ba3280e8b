// Codes and back in float64, with the gradients that training through them is defined by: straight through to the numbers
// within the range of the codes (Bengio et al. 2013, arXiv:1308.3432), and to the step size as in LSQ (Esser et al. 2020,
// arXiv:1902.08153) and in PyTorch's learnable fake quantization.

import type { Numbers64 } from "../gradients.js";

export interface Codes {
  readonly low: number;
  readonly high: number;
  /** Axis of the scale where it has one number per position, and numbers that share one along it. */
  readonly axis: number;
  readonly block: number;
}

export interface FakeQuantized {
  readonly y: Float64Array;
  readonly dx: Float64Array;
  readonly dscale: Float64Array;
  /** How many numbers lay outside the range of the codes. */
  readonly clipped: number;
}

/** y = (q - z) s with q = clip(round(x / s) + z), and the gradients of sum(y * dy). */
export function fakeQuantize(x: Numbers64, s: Numbers64, z: Numbers64, dy: Float64Array, codes: Codes): FakeQuantized {
  const { low, high } = codes;
  const found = {
    y: new Float64Array(x.data.length),
    dx: new Float64Array(x.data.length),
    dscale: new Float64Array(s.data.length),
    clipped: 0,
  };
  x.data.forEach((value, at) => {
    const beside = scaleAt(x.dims, s.dims, codes, at);
    const [scale, zero] = [s.data[beside]!, z.data[beside]!];
    // The quotient is rounded to float32 first, as the kernels have it.
    const ratio = Math.fround(value / scale);
    const code = halfToEven(ratio) + zero;
    const clipped = Math.min(Math.max(code, low), high);
    found.y[at] = (clipped - zero) * scale;
    if (code === clipped) found.dx[at] = dy[at]!;
    else found.clipped++;
    found.dscale[beside]! += dy[at]! * (clipped - zero - (code === clipped ? value / scale : 0));
  });
  return found;
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The place of the scale of element `at`. */
function scaleAt(dims: readonly number[], scale: readonly number[], { axis, block }: Codes, at: number): number {
  if (scale.length === 0) return 0;
  const places: number[] = [];
  let rest = at;
  for (const size of dims.toReversed()) {
    places.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  if (block === 0) return places[axis]!;
  places[axis] = Math.floor(places[axis]! / block);
  return places.reduce((sum, place, i) => sum * scale[i]! + place, 0);
}
