// Concat: its inputs take the scale of the result where they can, so that the runtime only copies.

import { defineStaticOperator } from "./operator.js";

export const concat = defineStaticOperator({
  name: "concat",
  summary: "Concat, its branches with the scale of the whole where nobody else reads them",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearConcat",
  operators: ["Concat"],
  use: (node) => ({
    activations: node.inputs.map((_, input) => input),
    result: "integer",
    seed: false,
    gathers: true,
    becomes: "QLinearConcat",
  }),
});
