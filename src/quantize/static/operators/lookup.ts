// Functions of one number that the runtime looks up in a table of 256 entries.

import { defineStaticOperator } from "./operator.js";

export const lookup = defineStaticOperator({
  name: "lookup",
  summary: "Sigmoid and LeakyRelu between integers, by a table of 256 entries",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearSigmoid",
  operators: ["Sigmoid", "LeakyRelu"],
  use: (node) => ({
    activations: [0],
    result: "integer",
    seed: false,
    ...(node.opType === "Sigmoid" && { range: [0, 1] as const }),
    becomes: `QLinear${node.opType}`,
  }),
});
