// d max(x, 0) = dx where x > 0, else 0: 0 at 0, as PyTorch has it. Read off the result, which a fused forward keeps.

import { defineGradient } from "./rule.js";

export const relu = defineGradient({
  name: "relu",
  summary: "Relu",
  operators: ["Relu"],
  backward({ emit, output, gradient }) {
    const positive = emit.greater(output(0), emit.like(0, output(0)));
    return [emit.where(positive, gradient(0)!, emit.like(0, output(0)))];
  },
});
