// onnxruntime-web on WebAssembly: fast int8, no fast kernel for packed weights, a heap of 4 GiB.

import { defineTarget, WEBGPU_BUILD } from "./target.js";

export const wasm = defineTarget({
  name: "wasm",
  summary: "Browser, onnxruntime-web on WebAssembly",
  reference: "https://onnxruntime.ai/docs/tutorials/web/",
  timedOn: ["wasm"],
  fast: {
    matMulNBits: [],
    matMulBnb4: false,
    gatherBlockQuantized: false,
    dequantizeLinear: [],
    dynamicInt8: true,
    dynamicInt8Conv: true,
    staticInt8: ["U8S8", "U8U8"],
    float16: false,
  },
  // Figures: time over that of float on one thread, Chromium on x64, ONNX Runtime 1.30 (docs/targets.md).
  why: {
    matMulNBits:
      "MatMulNBits decodes its weights at every run: 9 to 10 times the time of float with one row, 1.2 to 1.5 with 128, at any width",
    matMulBnb4: "MatMulBnb4 decodes its weights at every run: 3.1 times the time of float with one row, 1.03 with 128",
    gatherBlockQuantized:
      "builds of onnxruntime-web that hold WebGPU, which transformers.js loads for device wasm too, have no kernel of GatherBlockQuantized for WebAssembly, and the session fails; in the plain build it took 0.99 to 1.03 of the time of float, as a decoded table does",
    dequantizeLinear:
      "a DequantizeLinear of weights is not folded and runs every time: 1.1 to 1.3 times the time of float on a CNN and an encoder, 10 at int8 and 7.5 at int4 on a decoder of one token",
    dynamicInt8:
      "MatMulInteger has an exact integer kernel: 0.58 of the time of float with 128 rows; with one row no faster",
    dynamicInt8Conv: "ConvInteger with uint8 weights has an integer kernel: a CNN took 0.5 to 0.8 of the time of float",
    staticInt8:
      "pairs become integer kernels: on a CNN 0.5 to 0.9 of the time of float, U8S8 and U8U8 alike, on an encoder 0.8",
    float16:
      "WebAssembly has no float16 arithmetic: each such node gets casts to float32 and back, 0.94 to 1.1 of the time of float",
  },
  alignment: [],
  opset: 26,
  irVersion: 13,
  saturates: false,
  heapLimit: 4 * 2 ** 30,
  runtimes: [{ name: "onnxruntime-web", providers: ["wasm"] }],
  builds: [WEBGPU_BUILD],
});
