// 8-bit floats with 4 exponent and 3 fraction bits; no infinity, no negative zero, one code for NaN.

import { floatFormat } from "./format.js";

export const float8e4m3fnuz = floatFormat("float8e4m3fnuz", {
  name: "float8e4m3fnuz",
  summary: "8-bit floats of 4 significant bits, up to 240, without negative zero",
  reference: "https://onnx.ai/onnx/technical/float8.html",
  dtype: "float8e4m3fnuz",
  granularity: "channel",
});
