// General matrix product with a constant on the right: gives integers or floats, its int32 bias included.

import { floatOf, intOf } from "../../../ir/attributes.js";
import { defineStaticOperator, has } from "./operator.js";

export const gemm = defineStaticOperator({
  name: "gemm",
  summary: "General matrix product by a constant, where alpha and beta are 1",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QGemm",
  operators: ["Gemm"],
  use(node, site) {
    const dims = site.weightDims(node, 1);
    if (dims === undefined) return "its weights are computed, not constant";
    if (site.constant(node.inputs[0] ?? "") !== undefined) return "both of its factors are constant";
    if (floatOf(node, "alpha", 1) !== 1) return "its alpha is not 1";
    const bias = has(node, 2) ? site.constant(node.inputs[2]!) : undefined;
    if (has(node, 2)) {
      if (bias === undefined) return "its bias is computed, not constant";
      if (floatOf(node, "beta", 1) !== 1) return "its beta is not 1";
    }
    const transposed = intOf(node, "transB", 0) !== 0;
    const axis = transposed ? 0 : 1;
    // int32 biases have the scale of each output, so they need one number for each.
    if (bias && bias.dims.reduce((all, dim) => all * dim, 1) !== dims[axis]) {
      return "its bias has not one number for each output";
    }
    return {
      activations: [0],
      weight: { input: 1, axis, sum: "matrix", along: 1 - axis },
      ...(bias && { bias: 2 }),
      result: "either",
      seed: true,
      becomes: "QGemm",
      becomesFloat: "QGemm",
    };
  },
});
