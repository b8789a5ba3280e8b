// onnxruntime-web on WebGPU: no integer products, no QuantizeLinear; weights packed, arithmetic in float.

import { defineTarget } from "./target.js";

export const webgpu = defineTarget({
  name: "webgpu",
  summary: "Browser, onnxruntime-web on WebGPU",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/js/web/docs/webgpu-operators.md",
  timedOn: [],
  fast: {
    // Level 4 opens the integer dot-product shader, where the shape allows it.
    matMulNBits: [
      { bits: 4, accuracyLevel: 4, rows: "any" },
      { bits: 8, accuracyLevel: 4, rows: "any" },
    ],
    matMulBnb4: false,
    gatherBlockQuantized: true,
    dequantizeLinear: [],
    dynamicInt8: false,
    dynamicInt8Conv: false,
    staticInt8: [],
    float16: true,
  },
  why: {
    matMulNBits:
      "MatMulNBits has shaders of its own for 4 and 8 bits, and level 4 allows the integer dot product (placed on the GPU, not timed)",
    matMulBnb4: "MatMulBnb4 came late to WebGPU, and was not timed",
    gatherBlockQuantized:
      "GatherBlockQuantized decodes on the GPU the rows that are asked for, at 4 and 8 bits (placed on the GPU, not timed)",
    dequantizeLinear:
      "DequantizeLinear has a shader, and runs at every run: weights are read, written and read again (not timed)",
    dynamicInt8: "DynamicQuantizeLinear and MatMulInteger have no shader: they run on the CPU, with copies around each",
    dynamicInt8Conv:
      "DynamicQuantizeLinear and ConvInteger have no shader: they run on the CPU, with copies around each",
    staticInt8: "QLinearConv, QLinearMatMul and their like have no shader, and pairs are not fused",
    float16: "WebGPU computes in float16 where the adapter has shader-f16; without it the session fails",
  },
  alignment: [
    {
      form: "matMulNBits",
      k: 128,
      n: 16,
      block: [32, 64, 128, 256],
      why: "the integer dot-product shader takes K that is a multiple of 128, N of 16, and blocks that are multiples of 32",
    },
  ],
  opset: 26,
  irVersion: 13,
  saturates: false,
  // Weights pass through the WebAssembly heap on their way to the GPU.
  heapLimit: 4 * 2 ** 30,
  runtimes: [{ name: "onnxruntime-web", providers: ["webgpu", "webgpu-wasm"], lacks: ["ai.onnx.ml"] }],
});
