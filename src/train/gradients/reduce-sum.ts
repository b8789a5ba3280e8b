// The gradient of a sum is the gradient of the result, spread over what was summed. A mean divides by the count.

import { product } from "../../ops/operator.js";
import { reducedAxes } from "./reduced-axes.js";
import { defineGradient } from "./rule.js";

export const reduceSum = defineGradient({
  name: "reduce-sum",
  summary: "ReduceSum and ReduceMean",
  operators: ["ReduceSum", "ReduceMean"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { node, emit, input } = site;
    const form = reducedAxes(site);
    if (form === undefined) return [site.gradient(0)];
    const dims = emit.dims(input(0));
    const count = product(form.axes.map((axis) => dims[axis]!));
    const dy = emit.reshape(site.gradient(0)!, form.kept);
    return [emit.expand(node.opType === "ReduceMean" ? emit.scale(dy, 1 / count) : dy, dims)];
  },
});
