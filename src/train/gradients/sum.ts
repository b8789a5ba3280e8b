// Sum and Mean of any number of operands: each gets the gradient, for Mean its share.

import { defineGradient } from "./rule.js";

export const sum = defineGradient({
  name: "sum",
  summary: "Sum, Mean of several operands, with broadcasting",
  operators: ["Sum", "Mean"],
  backward({ node, emit, gradient }) {
    const count = node.inputs.length;
    const share = node.opType === "Mean" ? emit.scale(gradient(0)!, 1 / count) : gradient(0)!;
    return node.inputs.map(() => share);
  },
});
