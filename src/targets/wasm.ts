// onnxruntime-web on WebAssembly: fast int8, no fast kernel for packed weights, a heap of 4 GiB.

import { defineTarget } from "./target.js";

export const wasm = defineTarget({
  name: "wasm",
  summary: "Browser, onnxruntime-web on WebAssembly",
  reference: "https://onnxruntime.ai/docs/tutorials/web/",
  timedOn: ["wasm"],
  fast: { matMulNBits: [], gatherBlockQuantized: true, dynamicInt8: true, float16: false },
  saturates: false,
  heapLimit: 4 * 2 ** 30,
});
