// Rotary positions: pairs of numbers turned by an angle that grows with the position (Su et al., RoFormer, 2021).

import type { Emitter } from "../emitter.js";

/**
 * `x` [batch, heads, length, size], of which the first `width` numbers are turned; `cos` and `sin` broadcast to
 * [batch, 1, length, width / 2]. Pairs are neighbours (`interleaved`), or one of each half.
 */
export function rotate(
  emit: Emitter,
  x: string,
  cos: string,
  sin: string,
  width: number,
  interleaved: boolean,
): string {
  const dims = emit.dims(x);
  const size = dims[3]!;
  const half = width / 2;
  const turned = emit.slice(x, [3], [0], [width]);
  const rest = width < size ? [emit.slice(x, [3], [width], [size])] : [];
  const pieces = interleaved ? emit.reshape(turned, [...dims.slice(0, 3), half, 2]) : turned;
  const axis = interleaved ? 4 : 3;
  const part = {
    dtype: emit.dtype(x),
    dims: interleaved ? [...dims.slice(0, 3), half, 1] : [...dims.slice(0, 3), half],
  };
  const [first, second] = emit.ops("Split", [pieces], [part, part], { attributes: { axis, num_outputs: 2 } }) as [
    string,
    string,
  ];
  const fit = (angle: string) => (interleaved ? emit.unsqueeze(angle, 4) : angle);
  const [c, s] = [fit(cos), fit(sin)];
  const both = emit.concat(
    [emit.sub(emit.mul(first, c), emit.mul(second, s)), emit.add(emit.mul(first, s), emit.mul(second, c))],
    axis,
  );
  const whole = interleaved ? emit.reshape(both, [...dims.slice(0, 3), width]) : both;
  return emit.concat([whole, ...rest], 3);
}
