// d(a / b) = da / b - y db / b; d(1 / b) = -y^2 db.

import { defineGradient } from "./rule.js";

export const div = defineGradient({
  name: "div",
  summary: "Div, Reciprocal, with broadcasting",
  operators: ["Div", "Reciprocal"],
  backward({ node, emit, input, output, gradient, needs }) {
    const [dy, y] = [gradient(0)!, output(0)];
    if (node.opType === "Reciprocal") return [emit.neg(emit.mul(dy, emit.square(y)))];
    const da = emit.div(dy, input(1));
    const db = () => emit.neg(emit.reduceTo(emit.mul(da, y), emit.dims(input(1))));
    return [needs(0) ? da : undefined, needs(1) ? db() : undefined];
  },
});
