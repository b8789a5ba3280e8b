// 6-bit floats with 3 exponent and 2 fraction bits; every code is a number.

import { floatFormat } from "./format.js";

export const float6e3m2 = floatFormat("float6e3m2", {
  name: "float6e3m2",
  summary: "6-bit floats of 3 significant bits, up to 28",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  dtype: "float6e3m2",
});
