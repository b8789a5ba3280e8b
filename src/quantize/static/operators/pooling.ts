// Averages over windows or whole images.

import { defineStaticOperator } from "./operator.js";

const BECOMES: Readonly<Record<string, string>> = {
  AveragePool: "QLinearAveragePool",
  GlobalAveragePool: "QLinearGlobalAveragePool",
};

export const pooling = defineStaticOperator({
  name: "pooling",
  summary: "AveragePool and GlobalAveragePool between integers",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearAveragePool",
  operators: Object.keys(BECOMES),
  use: (node) => ({ activations: [0], result: "integer", seed: false, becomes: BECOMES[node.opType]! }),
});
