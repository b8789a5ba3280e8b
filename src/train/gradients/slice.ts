// The gradient goes back to where the slice was taken, zero elsewhere: reversed where the step was negative, spread where
// it was larger than 1, then padded.

import { apart } from "../apart.js";
import { constantInput } from "./constant-input.js";
import { defineGradient } from "./rule.js";

export const slice = defineGradient({
  name: "slice",
  summary: "Slice with constant starts, axes and steps of either sign",
  operators: ["Slice"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { emit, input } = site;
    const dims = emit.dims(input(0));
    const starts = constantInput(site, 1, "starts")!;
    const axes = constantInput(site, 3, "axes") ?? [...starts.keys()];
    const steps = constantInput(site, 4, "steps") ?? starts.map(() => 1);
    let dx = site.gradient(0)!;
    const pads = new Array<number>(2 * dims.length).fill(0);
    for (const [at, given] of axes.entries()) {
      const axis = given < 0 ? given + dims.length : given;
      const size = dims[axis]!;
      const count = emit.dims(dx)[axis]!;
      if (count === 0) return [undefined];
      const step = steps[at]!;
      const from = starts[at]! < 0 ? starts[at]! + size : starts[at]!;
      const first = Math.min(Math.max(from, 0), size - 1);
      if (step < 0) dx = emit.slice(dx, [axis], [-1], [-count - 1], [-1]);
      dx = apart(emit, dx, axis, Math.abs(step));
      pads[axis] = step < 0 ? first + step * (count - 1) : first;
      pads[axis + dims.length] = size - pads[axis]! - emit.dims(dx)[axis]!;
    }
    return [emit.pad(dx, pads)];
  },
});
