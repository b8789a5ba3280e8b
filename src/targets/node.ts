// onnxruntime-node on the CPU (x64 with AVX2 or better, Arm64).

import { defineTarget } from "./target.js";

export const node = defineTarget({
  name: "node",
  summary: "Node, onnxruntime-node on the CPU",
  reference: "https://onnxruntime.ai/docs/get-started/with-javascript/node.html",
  timedOn: ["native"],
  fast: {
    matMulNBits: [
      { bits: 2, accuracyLevel: 4, rows: "few" },
      { bits: 4, accuracyLevel: 4, rows: "any" },
      { bits: 8, accuracyLevel: 4, rows: "few" },
    ],
    matMulBnb4: false,
    gatherBlockQuantized: true,
    dequantizeLinear: [],
    dynamicInt8: true,
    dynamicInt8Conv: false,
    staticInt8: ["U8S8", "U8U8"],
    float16: false,
  },
  // Figures: time over that of float on one thread, x64 with AVX2 without VNNI, ONNX Runtime 1.30 (docs/targets.md). A CPU
  // with VNNI changes the int8 rows most.
  why: {
    matMulNBits:
      "on x64 without VNNI MatMulNBits at accuracy_level 4 took 0.33 of the time of float at 4 bits, 0.48 at 8 and 0.34 at 2 with one row, with 128 rows 1.07, 1.65 and 1.42; at level 0 one row took 13 times as long at 8 bits and 8 at 2",
    matMulBnb4:
      "MatMulBnb4 decodes its weights at every run: on x64 with AVX2 1.2 times the time of float with 128 rows, 2.5 with one",
    gatherBlockQuantized:
      "GatherBlockQuantized decodes the rows that are asked for and no others: on x64 with AVX2 0.97 to 1.03 of the time of float",
    dequantizeLinear:
      "a DequantizeLinear of weights is not folded and runs every time: on x64 without VNNI 1.2 to 2 times the time of float on a CNN and an encoder; a decoder of one token took 0.35 to 0.48, its activations rounded to 8 bits",
    dynamicInt8:
      "DynamicQuantizeLinear and MatMulInteger are fused into one integer kernel: on x64 without VNNI 0.57 of the time of float with 128 rows, 0.40 with one",
    dynamicInt8Conv:
      "on x64 without VNNI a CNN took 1.1 to 1.3 times the time of float, for the cost of quantizing every activation; not timed with VNNI, where it may be faster",
    staticInt8:
      "pairs around Conv, MatMul, Gemm, Add and pooling become integer kernels: on x64 without VNNI U8S8 took 0.49 to 0.65 of the time of float, U8U8 0.56 to 0.91",
    float16:
      "the CPU has few float16 kernels, the others get casts to float32 and back: on x64 1.0 to 1.2 times the time of float",
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
