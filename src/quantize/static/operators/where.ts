// Where: chooses between two integer values.

import { defineStaticOperator } from "./operator.js";

export const where = defineStaticOperator({
  name: "where",
  summary: "Where, both choices and the result integers",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearWhere",
  operators: ["Where"],
  use: () => ({ activations: [1, 2], result: "integer", seed: false, becomes: "QLinearWhere" }),
});
