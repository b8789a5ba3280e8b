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
      { bits: 4, accuracyLevel: 4 },
      { bits: 8, accuracyLevel: 4 },
    ],
    gatherBlockQuantized: true,
    dynamicInt8: false,
    float16: true,
  },
  saturates: false,
  // Weights pass through the WebAssembly heap on their way to the GPU.
  heapLimit: 4 * 2 ** 30,
});
