// Convolution: weight [O, I / groups, ...kernel], one filter a row.

import { defineOperator, dimsOf, product } from "./operator.js";

export const conv = defineOperator({
  name: "conv",
  summary: "Convolution and its quantized forms",
  reference: "https://onnx.ai/onnx/operators/onnx__Conv.html",
  operators: ["Conv", "ConvInteger", "com.microsoft:FusedConv", "com.microsoft:NhwcConv"],
  weights: (node) => [
    { input: 1, role: "matrix", outputAxis: 0, reductionAxis: 1 },
    ...(node.opType !== "ConvInteger" && node.inputs[2]
      ? [{ input: 2, role: "vector", outputAxis: 0, reductionAxis: undefined } as const]
      : []),
  ],
  // Every output element is one filter applied once: I / groups * kernel multiplications.
  macs(node, shapes) {
    const output = dimsOf(node.outputs[0], shapes);
    const weight = dimsOf(node.inputs[1], shapes);
    return output && weight ? product(output) * product(weight.slice(1)) : undefined;
  },
});
