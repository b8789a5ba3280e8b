// d(a - b) = da - db; d(-a) = -da.

import { defineGradient } from "./rule.js";

export const sub = defineGradient({
  name: "sub",
  summary: "Sub, Neg, with broadcasting",
  operators: ["Sub", "Neg"],
  backward({ node, emit, input, gradient, needs }) {
    const dy = gradient(0)!;
    // Summed over what was broadcast first: less to negate.
    const negative = (name: string) => emit.neg(emit.reduceTo(dy, emit.dims(name)));
    if (node.opType === "Neg") return [negative(input(0))];
    return [needs(0) ? dy : undefined, needs(1) ? negative(input(1)) : undefined];
  },
});
