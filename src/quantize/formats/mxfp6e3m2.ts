// OCP Microscaling: blocks of 32 float6e3m2 numbers, each with a scale that is a power of two (e8m0).

import { floatFormat } from "./format.js";

export const mxfp6e3m2 = floatFormat("float6e3m2", {
  name: "mxfp6e3m2",
  summary: "Microscaling: float6e3m2 in blocks of 32 with a power of two as their scale",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  fixed: { scales: "float8e8m0" },
});
