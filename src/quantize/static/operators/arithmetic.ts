// Sums and products of two values: residual connections, gates of squeeze-excite.

import { defineStaticOperator } from "./operator.js";

const BECOMES: Readonly<Record<string, string>> = { Add: "QLinearAdd", Mul: "QLinearMul" };

export const arithmetic = defineStaticOperator({
  name: "arithmetic",
  summary: "Add and Mul where both operands and the result are integers",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearAdd",
  operators: Object.keys(BECOMES),
  use: (node) => ({ activations: [0, 1], result: "integer", seed: false, becomes: BECOMES[node.opType]! }),
});
