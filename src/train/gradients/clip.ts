// dx strictly between the bounds, 0 at and beyond them, as PyTorch's clamp to numbers has it. Read off the result: it equals a
// bound where the input is at or beyond it. A bound that is a weight gets what the input does not.

import type { Emitter } from "../emitter.js";
import { step, truth } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const clip = defineGradient({
  name: "clip",
  summary: "Clip; 0 at the bounds",
  operators: ["Clip"],
  backward({ emit, input, output, gradient, needs }) {
    const [dy, y] = [gradient(0)!, output(0)];
    const at = (index: number) => emit.mul(dy, truth(emit, emit.equal(y, input(index)), y));
    return [
      needs(0) ? inside() : undefined,
      needs(1) ? at(1) : undefined,
      // Where both bounds are one number, the upper one wins.
      needs(2) ? at(2) : undefined,
    ];

    function inside(): string {
      const distances: string[] = [];
      if (bounds(emit, input(1))) distances.push(difference(emit, y, input(1)));
      if (bounds(emit, input(2))) distances.push(emit.sub(input(2), y));
      if (distances.length === 0) return dy;
      return emit.mul(
        dy,
        step(
          emit,
          distances.reduce((product, distance) => emit.mul(product, distance)),
        ),
      );
    }
  },
});

/** Whether there is a bound that a float32 can pass: an infinite distance times one of 0 would be no number. */
function bounds(emit: Emitter, name: string): boolean {
  if (name === "") return false;
  const [value] = emit.constant(name) ?? [0];
  return Math.abs(value!) < 3e38;
}

const difference = (emit: Emitter, y: string, bound: string) =>
  emit.constant(bound)?.[0] === 0 ? y : emit.sub(y, bound);
