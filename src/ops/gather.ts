// Lookup of rows in a table (an embedding): no multiplications.

import { intOf } from "../ir/attributes.js";
import { defineOperator } from "./operator.js";

export const gather = defineOperator({
  name: "gather",
  summary: "Rows of a table by index",
  reference: "https://onnx.ai/onnx/operators/onnx__Gather.html",
  operators: ["Gather"],
  weights: (node) => [{ input: 0, role: "table", outputAxis: intOf(node, "axis", 0), reductionAxis: undefined }],
  macs: () => 0,
});
