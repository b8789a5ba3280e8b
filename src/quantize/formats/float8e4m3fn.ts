// 8-bit floats with 4 exponent and 3 fraction bits; no infinity, two codes for NaN.

import { floatFormat } from "./format.js";

export const float8e4m3fn = floatFormat("float8e4m3fn", {
  name: "float8e4m3fn",
  summary: "8-bit floats of 4 significant bits, up to 448",
  reference: "https://onnx.ai/onnx/technical/float8.html",
  dtype: "float8e4m3fn",
  granularity: "channel",
});
