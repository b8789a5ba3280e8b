// alpha * A' * B' + beta * C, where transA and transB say which operands stand transposed.

import { intOf } from "../ir/attributes.js";
import { defineOperator, dimsOf, product } from "./operator.js";

export const gemm = defineOperator({
  name: "gemm",
  summary: "General matrix product with bias",
  reference: "https://onnx.ai/onnx/operators/onnx__Gemm.html",
  operators: ["Gemm"],
  weights(node) {
    const left = intOf(node, "transA", 0) !== 0;
    const right = intOf(node, "transB", 0) !== 0;
    return [
      { input: 0, role: "matrix", outputAxis: left ? 1 : 0, reductionAxis: left ? 0 : 1 },
      { input: 1, role: "matrix", outputAxis: right ? 0 : 1, reductionAxis: right ? 1 : 0 },
      ...(node.inputs[2] ? [{ input: 2, role: "vector", outputAxis: -1, reductionAxis: undefined } as const] : []),
    ];
  },
  macs(node, shapes) {
    const output = dimsOf(node.outputs[0], shapes);
    const left = dimsOf(node.inputs[0], shapes);
    const depth = left?.[intOf(node, "transA", 0) !== 0 ? 0 : 1];
    return output && depth !== undefined ? product(output) * depth : undefined;
  },
});
