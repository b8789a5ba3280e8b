// Not known where it will run: what every runtime computes alike, and is fast on the CPU and in WebAssembly. (WebGPU runs
// it too, but hands integer products to the CPU: state --target webgpu for it.)

import { defineTarget } from "./target.js";

export const any = defineTarget({
  name: "any",
  summary: "Node and the browser, on the CPU: not slower than float with onnxruntime-node, nor in WebAssembly",
  timedOn: ["native", "wasm"],
  fast: { matMulNBits: [], gatherBlockQuantized: false, dynamicInt8: true, float16: false },
  saturates: true,
  heapLimit: Number.POSITIVE_INFINITY,
});
