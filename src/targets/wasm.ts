// onnxruntime-web on WebAssembly: fast int8, no fast kernel for packed weights, a heap of 4 GiB.

import { defineTarget } from "./target.js";

export const wasm = defineTarget({
  name: "wasm",
  summary: "Browser, onnxruntime-web on WebAssembly",
  reference: "https://onnxruntime.ai/docs/tutorials/web/",
  timedOn: ["wasm"],
  fast: {
    matMulNBits: [],
    matMulBnb4: false,
    gatherBlockQuantized: true,
    dequantizeLinear: [],
    dynamicInt8: true,
    staticInt8: ["U8S8", "U8U8"],
    float16: false,
  },
  // Figures: one 2048 x 2048 product at batch 1, ONNX Runtime 1.30, one thread, milliseconds.
  why: {
    matMulNBits: "MatMulNBits decodes its weights at every run: 13.4 ms at any width, float 0.44 to 0.50",
    matMulBnb4: "MatMulBnb4 took 4.3 ms where float took 0.44 to 0.50",
    gatherBlockQuantized: "GatherBlockQuantized decodes the rows that are asked for, and no others",
    dequantizeLinear:
      "a DequantizeLinear of weights is not folded and runs every time: 13.6 ms at int8 and 14.2 at int4, float 0.44 to 0.50",
    dynamicInt8: "MatMulInteger has an exact integer kernel; a dynamic Conv with uint8 weights took 6.4 ms, float 17",
    staticInt8:
      "pairs become integer kernels: on a CNN of 20 convolutions 0.5 to 0.9 of the time of float, U8S8 and U8U8 alike",
    float16: "WebAssembly has no float16 arithmetic: each such node gets casts to float32 and back",
  },
  alignment: [],
  opset: 26,
  irVersion: 13,
  saturates: false,
  heapLimit: 4 * 2 ** 30,
  runtimes: [{ name: "onnxruntime-web", providers: ["wasm"] }],
});
