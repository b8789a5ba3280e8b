// The gradient of a sum is the gradient of the result, spread over what was summed; a mean divides by the count. Of log(sum x)
// it is dy / sum(x), of log(sum exp x) it is dy exp(x - y).

import { product } from "../../ops/operator.js";
import { reducedAxes } from "./reduced-axes.js";
import { defineGradient } from "./rule.js";

export const reduceSum = defineGradient({
  name: "reduce-sum",
  summary: "ReduceSum, ReduceMean, ReduceLogSum, ReduceLogSumExp",
  operators: ["ReduceSum", "ReduceMean", "ReduceLogSum", "ReduceLogSumExp"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { node, emit, input, output, gradient } = site;
    const { axes, kept } = reducedAxes(site);
    const x = input(0);
    const dims = emit.dims(x);
    const dy = emit.reshape(gradient(0)!, kept);
    switch (node.opType) {
      case "ReduceMean":
        return [emit.expand(emit.scale(dy, 1 / product(axes.map((axis) => dims[axis]!))), dims)];
      case "ReduceLogSum":
        return [emit.expand(emit.mul(dy, emit.exp(emit.neg(emit.reshape(output(0), kept)))), dims)];
      case "ReduceLogSumExp":
        return [emit.mul(dy, emit.exp(emit.sub(x, emit.reshape(output(0), kept))))];
      default:
        return [emit.expand(dy, dims)];
    }
  },
});
