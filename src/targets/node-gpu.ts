// onnxruntime-node on a GPU: CUDA on Linux x64, DirectML on Windows. Nothing is timed for it without one.

import { defineTarget } from "./target.js";

export const nodeGpu = defineTarget({
  name: "node-gpu",
  summary: "Node, onnxruntime-node on a GPU: CUDA on Linux x64, DirectML on Windows",
  reference: "https://onnxruntime.ai/docs/get-started/with-javascript/node.html",
  timedOn: [],
  fast: {
    matMulNBits: [
      { bits: 4, accuracyLevel: 4, rows: "any" },
      { bits: 8, accuracyLevel: 4, rows: "any" },
    ],
    matMulBnb4: false,
    gatherBlockQuantized: false,
    dequantizeLinear: [],
    dynamicInt8: false,
    dynamicInt8Conv: false,
    staticInt8: [],
    float16: true,
  },
  why: {
    matMulNBits: "MatMulNBits has kernels for CUDA and DirectML (not timed)",
    matMulBnb4: "MatMulBnb4 has a kernel for CUDA and none for DirectML",
    gatherBlockQuantized: "GatherBlockQuantized has a kernel for CUDA; with DirectML it is not certain",
    dequantizeLinear: "a DequantizeLinear of weights runs every time: weights are read, written and read again",
    dynamicInt8: "DynamicQuantizeLinear has no CUDA kernel: it runs on the CPU, with copies around it",
    dynamicInt8Conv: "DynamicQuantizeLinear and ConvInteger have no CUDA kernel: they run on the CPU, with copies",
    staticInt8: "CUDA does not fuse pairs into integer kernels: each is arithmetic more",
    float16: "GPUs compute in float16 at twice the rate of float32 or more",
  },
  alignment: [],
  opset: 26,
  irVersion: 13,
  saturates: false,
  heapLimit: Number.POSITIVE_INFINITY,
  runtimes: [
    { name: "onnxruntime-node with CUDA", providers: ["cuda", "cpu"] },
    { name: "onnxruntime-node with DirectML", providers: ["dml", "cpu"] },
  ],
});
