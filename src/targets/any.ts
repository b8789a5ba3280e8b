// Not known where it will run: what every runtime computes alike, and is fast on the CPU and in WebAssembly. (WebGPU runs
// it too, but hands integer products to the CPU: state --target webgpu for it.)

import { defineTarget, WEBGPU_BUILD } from "./target.js";

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
    dynamicInt8Conv: false,
    staticInt8: ["U8S8", "U8U8"],
    float16: false,
  },
  // Figures: time over that of float on one thread, x64 with AVX2 without VNNI, ONNX Runtime 1.30 (docs/targets.md).
  why: {
    matMulNBits:
      "MatMulNBits decodes its weights at every run in WebAssembly: 9 to 10 times the time of float with one row, where onnxruntime-node takes 0.3 to 0.5 of it",
    matMulBnb4:
      "MatMulBnb4 decodes its weights at every run: with one row 2.5 times the time of float on an x64 CPU, 3.1 in WebAssembly",
    gatherBlockQuantized:
      "builds of onnxruntime-web that hold WebGPU have no kernel of GatherBlockQuantized for WebAssembly; a decoded table is gathered as fast",
    dequantizeLinear:
      "a DequantizeLinear of weights runs every time: in WebAssembly 1.1 to 1.3 times the time of float on a CNN and an encoder, 7.5 to 10 on a decoder of one token",
    dynamicInt8:
      "MatMulInteger has integer kernels on the CPU and in WebAssembly: an encoder took 0.57 of the time of float on x64 without VNNI, 0.58 in WebAssembly",
    dynamicInt8Conv:
      "ConvInteger is faster than float in WebAssembly (0.5 to 0.8 of its time) and slower on x64 CPUs without VNNI (1.1 to 1.3)",
    staticInt8:
      "pairs are fused into integer kernels on the CPU and in WebAssembly: on a CNN U8S8 took 0.64 of the time of float on x64 without VNNI, 0.63 in WebAssembly",
    float16: "neither the CPU nor WebAssembly computes in float16: nodes run as float32 between casts",
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
  builds: [WEBGPU_BUILD],
});
