// Convolution: fuses with quantized inputs, a constant weight, an int32 bias and a quantized result.

import { intOf } from "../../../ir/attributes.js";
import { defineStaticOperator, has } from "./operator.js";

export const conv = defineStaticOperator({
  name: "conv",
  summary: "Convolution in one, two or three dimensions, grouped and depthwise too; the bias becomes int32",
  reference: "https://onnx.ai/onnx/operators/onnx__QLinearConv.html",
  operators: ["Conv"],
  use(node, site) {
    const dims = site.weightDims(node, 1);
    if (dims === undefined) return "its weights are computed, not constant";
    if (dims.length < 3) return "its weight has fewer than three axes";
    if (has(node, 2) && site.constant(node.inputs[2]!) === undefined) return "its bias is computed, not constant";
    const depthwise = intOf(node, "group", 1) > 1 && dims[1] === 1;
    return {
      activations: [0],
      weight: { input: 1, axis: 0, sum: depthwise ? "depthwise" : "image" },
      ...(has(node, 2) && { bias: 2 }),
      result: "integer",
      seed: true,
      becomes: "QLinearConv",
    };
  },
});
