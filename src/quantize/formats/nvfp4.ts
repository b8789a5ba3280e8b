// NVIDIA's FP4: blocks of 16 float4e2m1 numbers, each with a float8e4m3fn scale, and one float32 scale for the tensor.

import { floatFormat } from "./format.js";

export const nvfp4 = floatFormat("float4e2m1", {
  name: "nvfp4",
  summary: "float4e2m1 in blocks of 16 with float8e4m3fn scales, and a float32 scale for the tensor",
  reference: "https://developer.nvidia.com/blog/introducing-nvfp4-for-efficient-and-accurate-low-precision-inference/",
  block: 16,
  fixed: { scales: "float8e4m3fn" },
});
