// The gradient goes to the largest (ReduceMin: smallest) element, split evenly between equal ones, as PyTorch's amax has it.

import { truth } from "./indicator.js";
import { reducedAxes } from "./reduced-axes.js";
import { defineGradient } from "./rule.js";

export const reduceMax = defineGradient({
  name: "reduce-max",
  summary: "ReduceMax, ReduceMin; equal elements share",
  operators: ["ReduceMax", "ReduceMin"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { emit, input, output, gradient } = site;
    const { axes, kept } = reducedAxes(site);
    const chosen = truth(emit, emit.equal(input(0), emit.reshape(output(0), kept)), input(0));
    const share = emit.div(emit.reshape(gradient(0)!, kept), emit.reduceSum(chosen, axes));
    return [emit.mul(chosen, share)];
  },
});
