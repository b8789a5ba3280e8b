// Matrix product: a weight on the right is [..., K, N]; on the left [..., M, K].

import { defineOperator, dimsOf, product } from "./operator.js";

export const matmul = defineOperator({
  name: "matmul",
  summary: "Matrix product, and its quantized and fused forms",
  reference: "https://onnx.ai/onnx/operators/onnx__MatMul.html",
  operators: [
    "MatMul",
    "MatMulInteger",
    "com.microsoft:FusedMatMul",
    "com.microsoft:MatMulIntegerToFloat",
    "com.microsoft:DynamicQuantizeMatMul",
  ],
  weights: (node) =>
    node.opType === "MatMul"
      ? [
          { input: 0, role: "matrix", outputAxis: -2, reductionAxis: -1 },
          { input: 1, role: "matrix", outputAxis: -1, reductionAxis: -2 },
        ]
      : [{ input: 1, role: "matrix", outputAxis: -1, reductionAxis: -2 }],
  macs(node, shapes) {
    const output = dimsOf(node.outputs[0], shapes);
    const left = dimsOf(node.inputs[0], shapes);
    const depth = left?.at(-1);
    return output && depth !== undefined ? product(output) * depth : undefined;
  },
});
