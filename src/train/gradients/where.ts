// Each branch gets the gradient where it was chosen; the condition stops it.

import { truth } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const where = defineGradient({
  name: "where",
  summary: "Where, with broadcasting",
  operators: ["Where"],
  differentiable: (input) => input !== 0,
  backward({ emit, input, gradient, needs }) {
    const dy = gradient(0)!;
    const chosen = emit.mul(dy, truth(emit, input(0), dy));
    return [undefined, needs(1) ? chosen : undefined, needs(2) ? emit.sub(dy, chosen) : undefined];
  },
});
