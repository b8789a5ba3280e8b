// 4-bit floats with 2 exponent bits and 1 fraction bit: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.

import { floatFormat } from "./format.js";

export const float4e2m1 = floatFormat("float4e2m1", {
  name: "float4e2m1",
  summary: "4-bit floats: 0, 0.5, 1, 1.5, 2, 3, 4, 6, both signs",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  dtype: "float4e2m1",
});
