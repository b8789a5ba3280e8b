// Reversing twice gives the order back.

import { defineGradient } from "./rule.js";

export const reverseSequence = defineGradient({
  name: "reverse-sequence",
  summary: "ReverseSequence",
  operators: ["ReverseSequence"],
  differentiable: (input) => input === 0,
  backward: ({ node, emit, input, gradient }) => [
    emit.op("ReverseSequence", [gradient(0)!, input(1)], {
      dims: emit.dims(input(0)),
      attributes: Object.fromEntries(node.attributes),
    }),
  ],
});
