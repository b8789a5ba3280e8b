// 8-bit floats with 5 exponent and 2 fraction bits; no infinity, no negative zero, one code for NaN.

import { floatFormat } from "./format.js";

export const float8e5m2fnuz = floatFormat("float8e5m2fnuz", {
  name: "float8e5m2fnuz",
  summary: "8-bit floats of 3 significant bits, up to 57344, without negative zero",
  reference: "https://onnx.ai/onnx/technical/float8.html",
  dtype: "float8e5m2fnuz",
  granularity: "channel",
});
