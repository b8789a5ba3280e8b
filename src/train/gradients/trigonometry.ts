// Circular and hyperbolic functions and their inverses: the derivative times the gradient.

import type { Emitter } from "../emitter.js";
import { from } from "./indicator.js";
import { defineGradient } from "./rule.js";

/** The gradient from dy, x and y. */
type Chain = (emit: Emitter, dy: string, x: string, y: string) => string;

const chains: Readonly<Record<string, Chain>> = {
  Sin: (emit, dy, x) => emit.mul(dy, emit.op("Cos", [x])),
  Cos: (emit, dy, x) => emit.neg(emit.mul(dy, emit.op("Sin", [x]))),
  Tan: (emit, dy, _, y) => emit.mul(dy, emit.shift(emit.square(y), 1)),
  Asin: (emit, dy, x) => emit.div(dy, emit.sqrt(from(emit, 1, emit.square(x)))),
  Acos: (emit, dy, x) => emit.neg(emit.div(dy, emit.sqrt(from(emit, 1, emit.square(x))))),
  Atan: (emit, dy, x) => emit.div(dy, emit.shift(emit.square(x), 1)),
  Sinh: (emit, dy, x) => emit.mul(dy, emit.op("Cosh", [x])),
  Cosh: (emit, dy, x) => emit.mul(dy, emit.op("Sinh", [x])),
  Asinh: (emit, dy, x) => emit.div(dy, emit.sqrt(emit.shift(emit.square(x), 1))),
  Acosh: (emit, dy, x) => emit.div(dy, emit.sqrt(emit.shift(emit.square(x), -1))),
  Atanh: (emit, dy, x) => emit.div(dy, from(emit, 1, emit.square(x))),
};

export const trigonometry = defineGradient({
  name: "trigonometry",
  summary: "Sin, Cos, Tan, Sinh, Cosh and the inverses",
  operators: Object.keys(chains),
  backward: ({ node, emit, input, output, gradient }) => [
    chains[node.opType]!(emit, gradient(0)!, input(0), output(0)),
  ],
});
