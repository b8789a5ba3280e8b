// Smooth steps, from their results: tanh' = 1 - y^2, sigmoid' = y (1 - y), softplus' = sigmoid(x), softsign' = (1 - |y|)^2.

import type { Emitter } from "../emitter.js";
import { from } from "./indicator.js";
import { defineGradient } from "./rule.js";

const derivatives: Readonly<Record<string, (emit: Emitter, x: string, y: string) => string>> = {
  Tanh: (emit, _, y) => from(emit, 1, emit.square(y)),
  Sigmoid: (emit, _, y) => emit.mul(y, from(emit, 1, y)),
  Softplus: (emit, x) => emit.sigmoid(x),
  Softsign: (emit, _, y) => emit.square(from(emit, 1, emit.abs(y))),
};

export const sigmoid = defineGradient({
  name: "sigmoid",
  summary: "Tanh, Sigmoid, Softplus, Softsign",
  operators: Object.keys(derivatives),
  backward: ({ node, emit, input, output, gradient }) => [
    emit.mul(gradient(0)!, derivatives[node.opType]!(emit, input(0), output(0))),
  ],
});
