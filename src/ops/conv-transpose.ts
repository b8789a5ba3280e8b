// Transposed convolution: weight [I, O / groups, ...kernel]; each input element is spread over its filter.

import { defineOperator, dimsOf, product } from "./operator.js";

export const convTranspose = defineOperator({
  name: "conv-transpose",
  summary: "Transposed convolution",
  reference: "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html",
  operators: ["ConvTranspose"],
  weights: (node) => [
    { input: 1, role: "matrix", outputAxis: 1, reductionAxis: 0 },
    ...(node.inputs[2] ? [{ input: 2, role: "vector", outputAxis: 0, reductionAxis: undefined } as const] : []),
  ],
  macs(node, shapes) {
    const input = dimsOf(node.inputs[0], shapes);
    const weight = dimsOf(node.inputs[1], shapes);
    return input && weight ? product(input) * product(weight.slice(1)) : undefined;
  },
});
