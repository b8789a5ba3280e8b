// Matrix products: by a constant, which is worth quantizing the input for, and of two activations, as in attention.

import { defineStaticOperator } from "./operator.js";

export const matmul = defineStaticOperator({
  name: "matmul",
  summary: "Matrix product by a constant, or of two activations",
  reference: "https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html",
  operators: ["MatMul"],
  use(node, site) {
    if (site.weightDims(node, 0) !== undefined) return "its left factor is constant";
    const becomes = { becomes: "QLinearMatMul", becomesFloat: "MatMulIntegerToFloat" } as const;
    const dims = site.weightDims(node, 1);
    if (dims === undefined) {
      return { activations: [0, 1], result: "either", seed: true, ...becomes };
    }
    const rank = dims.length;
    if (rank < 2) return "its weight is a vector";
    // Only a plain matrix has one scale for each column in the integer kernels.
    const axis = rank === 2 ? 1 : undefined;
    return {
      activations: [0],
      weight: { input: 1, axis, sum: "matrix", along: rank - 2 },
      result: "either",
      seed: true,
      ...becomes,
    };
  },
});
