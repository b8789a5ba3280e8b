// Not known where it will run: what every runtime computes alike, and is fast on the CPU and in WebAssembly. (WebGPU runs
// it too, but hands integer products to the CPU: state --target webgpu for it.)

import { defineTarget } from "./target.js";

export const any = defineTarget({
  name: "any",
  summary: "Node and the browser, on the CPU: not slower than float with onnxruntime-node, nor in WebAssembly",
  timedOn: ["native", "wasm"],
  fast: {
    matMulNBits: [],
    matMulBnb4: false,
    gatherBlockQuantized: false,
    dequantizeLinear: [],
    dynamicInt8: true,
    staticInt8: ["U8S8", "U8U8"],
    float16: false,
  },
  why: {
    matMulNBits: "MatMulNBits is fast with onnxruntime-node and 30 times slower than float in WebAssembly",
    matMulBnb4: "MatMulBnb4 is 6 to 10 times slower than float on the CPU and in WebAssembly",
    gatherBlockQuantized:
      "GatherBlockQuantized is an operator of ONNX Runtime alone; a decoded table is gathered as fast",
    dequantizeLinear: "a DequantizeLinear of weights runs every time: 30 times slower than float in WebAssembly",
    dynamicInt8: "MatMulInteger and ConvInteger have integer kernels on the CPU and in WebAssembly",
    staticInt8: "pairs are fused into integer kernels on the CPU and in WebAssembly",
    float16: "neither the CPU nor WebAssembly computes in float16",
  },
  alignment: [],
  opset: 26,
  irVersion: 13,
  saturates: true,
  heapLimit: Number.POSITIVE_INFINITY,
  runtimes: [
    { name: "onnxruntime-node", providers: ["cpu"] },
    { name: "onnxruntime-web", providers: ["wasm"] },
  ],
});
