// 8-bit floats with 5 exponent and 2 fraction bits, as IEEE 754 would have them.

import { floatFormat } from "./format.js";

export const float8e5m2 = floatFormat("float8e5m2", {
  name: "float8e5m2",
  summary: "8-bit floats of 3 significant bits, up to 57344",
  reference: "https://onnx.ai/onnx/technical/float8.html",
  dtype: "float8e5m2",
  granularity: "channel",
});
