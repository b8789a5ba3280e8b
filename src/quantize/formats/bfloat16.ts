// The upper half of a float32: 1 sign, 8 exponent, 7 fraction bits. Stored only: few runtimes compute in it.

import { floatFormat } from "./format.js";

export const bfloat16 = floatFormat("bfloat16", {
  name: "bfloat16",
  summary: "The range of float32 with 8 significant bits; stored, and decoded when the model loads",
  reference: "https://onnx.ai/onnx/operators/onnx__Cast.html",
  dtype: "bfloat16",
  scaling: "none",
});
