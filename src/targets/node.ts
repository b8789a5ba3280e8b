// onnxruntime-node on the CPU (x64 with AVX2 or better, Arm64).

import { defineTarget } from "./target.js";

export const node = defineTarget({
  name: "node",
  summary: "Node, onnxruntime-node on the CPU",
  reference: "https://onnxruntime.ai/docs/get-started/with-javascript/node.html",
  timedOn: ["native"],
  fast: {
    matMulNBits: [
      { bits: 2, accuracyLevel: 4 },
      { bits: 4, accuracyLevel: 4 },
      { bits: 8, accuracyLevel: 4 },
    ],
    matMulBnb4: false,
    gatherBlockQuantized: true,
    dequantizeLinear: [],
    dynamicInt8: true,
    staticInt8: ["U8S8", "U8U8"],
    float16: false,
  },
  // Figures: one 2048 x 2048 product at batch 1, ONNX Runtime 1.30 on x64 with VNNI, milliseconds.
  why: {
    matMulNBits:
      "MatMulNBits at accuracy_level 4 took 0.09 ms at 8 bits and 0.15 at 2, float 0.13 to 0.2; below level 4, 8 and 2 bits took 4.7 to 6.0",
    matMulBnb4: "MatMulBnb4 took 1.2 ms where float took 0.13 to 0.2",
    gatherBlockQuantized: "GatherBlockQuantized decodes the rows that are asked for, and no others",
    dequantizeLinear:
      "a DequantizeLinear of weights is not folded and runs every time; before a MatMul it also rounds the activations to 8 bits",
    dynamicInt8: "DynamicQuantizeLinear and MatMulInteger are fused into one integer kernel",
    staticInt8:
      "pairs around Conv, MatMul, Gemm, Add and pooling become integer kernels: on a CNN 0.4 to 0.6 of the time of float for U8S8",
    float16: "the CPU has few float16 kernels: the others get casts to float32 and back",
  },
  alignment: [
    {
      form: "matMulNBits",
      block: [16, 32, 64, 128, 256],
      why: "the CPU kernel of MatMulNBits takes blocks of 16, 32, 64, 128 and 256",
    },
  ],
  opset: 26,
  irVersion: 13,
  // x64 without VNNI adds two uint8 x int8 products in 16 bits, saturating: weights within 7 bits cannot overflow.
  saturates: true,
  heapLimit: Number.POSITIVE_INFINITY,
  runtimes: [{ name: "onnxruntime-node", providers: ["cpu"] }],
});
