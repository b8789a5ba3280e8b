// The same numbers in other dimensions: so is the gradient.

import { defineGradient } from "./rule.js";

export const reshape = defineGradient({
  name: "reshape",
  summary: "Reshape, Flatten, Squeeze, Unsqueeze",
  operators: ["Reshape", "Flatten", "Squeeze", "Unsqueeze"],
  differentiable: (input) => input === 0,
  backward: ({ emit, input, gradient }) => [emit.reshape(gradient(0)!, emit.dims(input(0)))],
});
