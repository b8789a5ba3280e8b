// OCP Microscaling: blocks of 32 float8e5m2 numbers, each with a scale that is a power of two (e8m0).

import { floatFormat } from "./format.js";

export const mxfp8e5m2 = floatFormat("float8e5m2", {
  name: "mxfp8e5m2",
  summary: "Microscaling: float8e5m2 in blocks of 32 with a power of two as their scale",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  fixed: { scales: "float8e8m0" },
});
