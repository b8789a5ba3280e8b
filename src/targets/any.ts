// Not known where it will run: only what is correct everywhere, and fast on the CPU and in WebAssembly.

import { defineTarget } from "./target.js";

export const any = defineTarget({
  name: "any",
  summary: "Anywhere ONNX Runtime runs: Node, WebAssembly, WebGPU",
  timedOn: ["native", "wasm"],
  fast: { matMulNBits: [], gatherBlockQuantized: false, dynamicInt8: true, float16: false },
  saturates: true,
  heapLimit: Number.POSITIVE_INFINITY,
  opset: 21,
});
