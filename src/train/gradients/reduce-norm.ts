// Norms: sum |x| gives sign(x) dy, sum x^2 gives 2 x dy, sqrt(sum x^2) gives x dy / y, and 0 where y is 0, as PyTorch has it.

import { signs, truth } from "./indicator.js";
import { reducedAxes } from "./reduced-axes.js";
import { defineGradient } from "./rule.js";

export const reduceNorm = defineGradient({
  name: "reduce-norm",
  summary: "ReduceL1, ReduceL2, ReduceSumSquare; 0 at 0",
  operators: ["ReduceL1", "ReduceL2", "ReduceSumSquare"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { node, emit, input, output, gradient } = site;
    const { kept } = reducedAxes(site);
    const x = input(0);
    const dy = emit.reshape(gradient(0)!, kept);
    switch (node.opType) {
      case "ReduceL1":
        return [emit.mul(signs(emit, x), dy)];
      case "ReduceSumSquare":
        return [emit.mul(x, emit.scale(dy, 2))];
      default: {
        const y = emit.reshape(output(0), kept);
        const zero = truth(emit, emit.equal(y, emit.like(0, y)), y);
        return [emit.mul(x, emit.div(dy, emit.add(y, zero)))];
      }
    }
  },
});
