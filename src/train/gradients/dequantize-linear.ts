// y = (q - z) s: linear in the codes and in the scale.

import { scaleLayout } from "./quantized-scale.js";
import { defineGradient } from "./rule.js";

export const dequantizeLinear = defineGradient({
  name: "dequantize-linear",
  summary: "DequantizeLinear; per tensor, per axis, blocked",
  reference: "https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html",
  operators: ["DequantizeLinear"],
  differentiable: (input) => input < 2,
  backward({ node, emit, input, gradient, needs }) {
    const dy = gradient(0)!;
    const layout = scaleLayout(emit, node, emit.dims(input(0)), emit.dims(input(1)));
    const number = emit.dtype(dy);
    const steps = () => {
      const codes = emit.cast(input(0), number);
      return input(2) === "" ? codes : emit.sub(codes, layout.spread(emit.cast(input(2), number)));
    };
    return [
      needs(0) ? emit.mul(dy, layout.spread(input(1))) : undefined,
      needs(1) ? layout.collect(emit.mul(dy, steps())) : undefined,
    ];
  },
});
