// The gradients of the repeats are summed.

import { defineGradient } from "./rule.js";

export const tile = defineGradient({
  name: "tile",
  summary: "Tile",
  operators: ["Tile"],
  differentiable: (input) => input === 0,
  backward({ emit, input, output, gradient }) {
    const from = emit.dims(input(0));
    const to = emit.dims(output(0));
    const apart: number[] = [];
    const repeats: number[] = [];
    from.forEach((size, axis) => {
      const times = size === 0 ? 1 : to[axis]! / size;
      if (times !== 1) repeats.push(apart.push(times) - 1);
      apart.push(size);
    });
    return [emit.reshape(emit.reduceSum(emit.reshape(gradient(0)!, apart), repeats, false), from)];
  },
});
