// onnxruntime-node on the CPU (x64 with AVX2 or better, Arm64).

import { defineTarget } from "./target.js";

export const node = defineTarget({
  name: "node",
  summary: "Node, onnxruntime-node on the CPU",
  reference: "https://onnxruntime.ai/docs/get-started/with-javascript/node.html",
  timedOn: ["native"],
  fast: {
    // 8 bits have a kernel at level 4 only; at other levels the weight is decoded at every run, 40 times slower.
    matMulNBits: [
      { bits: 4, accuracyLevel: 4 },
      { bits: 8, accuracyLevel: 4 },
    ],
    gatherBlockQuantized: true,
    dynamicInt8: true,
    float16: false,
  },
  // x64 without VNNI adds two uint8 x int8 products in 16 bits, saturating: weights within 7 bits cannot overflow.
  saturates: true,
  heapLimit: Number.POSITIVE_INFINITY,
});
