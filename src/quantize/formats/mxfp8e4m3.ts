// OCP Microscaling: blocks of 32 float8e4m3fn numbers, each with a scale that is a power of two (e8m0).

import { floatFormat } from "./format.js";

export const mxfp8e4m3 = floatFormat("float8e4m3fn", {
  name: "mxfp8e4m3",
  summary: "Microscaling: float8e4m3fn in blocks of 32 with a power of two as their scale",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  fixed: { scales: "float8e8m0" },
});
