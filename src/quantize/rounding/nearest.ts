// The nearest code, ties to even: the smallest error for each weight.

import { defineRounding } from "./round.js";

export const nearest = defineRounding({
  name: "nearest",
  summary: "The nearest code, ties to even",
  reference: "https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html",
  kernel: () => ({ kind: "nearest" }),
});
