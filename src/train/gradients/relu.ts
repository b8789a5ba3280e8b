// d max(x, 0) = dx where x > 0, else 0: 0 at 0, as PyTorch has it. Read off the result, which a fused forward keeps. A step and
// a product take 4 ms where Greater and Where take 120 (see indicator.ts).

import { floatOf } from "../../ir/attributes.js";
import { step, truth } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const relu = defineGradient({
  name: "relu",
  summary: "Relu, ThresholdedRelu; 0 at the kink",
  operators: ["Relu", "ThresholdedRelu"],
  backward({ node, emit, input, output, gradient }) {
    const threshold = node.opType === "Relu" ? 0 : floatOf(node, "alpha", 1);
    // Above a threshold of 0 or more the result is positive, and nowhere else.
    const chosen =
      threshold >= 0
        ? step(emit, output(0))
        : truth(emit, emit.greater(input(0), emit.like(threshold, input(0))), input(0));
    return [emit.mul(gradient(0)!, chosen)];
  },
});
