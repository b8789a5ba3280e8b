// OCP Microscaling: blocks of 32 float4e2m1 numbers, each with a scale that is a power of two (e8m0).

import { floatFormat } from "./format.js";

export const mxfp4 = floatFormat("float4e2m1", {
  name: "mxfp4",
  summary: "Microscaling: float4e2m1 in blocks of 32 with a power of two as their scale",
  reference: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf",
  fixed: { scales: "float8e8m0" },
});
