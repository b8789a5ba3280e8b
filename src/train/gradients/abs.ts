// d|x| = sign(x) dx, 0 at 0 as PyTorch has it.

import { signs } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const abs = defineGradient({
  name: "abs",
  summary: "Abs; 0 at 0",
  operators: ["Abs"],
  backward: ({ emit, input, gradient }) => [emit.mul(gradient(0)!, signs(emit, input(0)))],
});
