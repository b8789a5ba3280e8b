// d(a b) = b da + a db.

import { defineGradient } from "./rule.js";

export const mul = defineGradient({
  name: "mul",
  summary: "Mul, with broadcasting",
  operators: ["Mul"],
  backward({ emit, input, gradient, needs }) {
    const dy = gradient(0)!;
    return [needs(0) ? emit.mul(dy, input(1)) : undefined, needs(1) ? emit.mul(dy, input(0)) : undefined];
  },
});
