// 6-bit floats with 2 exponent and 3 fraction bits; every code is a number.

import { floatFormat } from "./format.js";

export const float6e2m3 = floatFormat("float6e2m3", {
  name: "float6e2m3",
  summary: "6-bit floats of 4 significant bits, up to 7.5",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  dtype: "float6e2m3",
});
