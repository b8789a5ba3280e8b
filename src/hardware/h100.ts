// NVIDIA H100, 80 GB, SXM5.

import { defineDevice, type Memory, published } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const hbm: Memory = { kind: "HBM3", bytes: 80e9, bandwidth: published(3.35e12), energy: MEMORY_ENERGY.hbm };

export const h100 = defineDevice({
  name: "h100",
  summary: "NVIDIA H100, 80 GB, SXM5 (2022)",
  reference: "https://resources.nvidia.com/en-us-tensor-core/gtc22-whitepaper-hopper",
  sources: [
    "https://archive-lib.hpctech.co.jp/gpuproduct/nvidia-h100.html",
    "https://glennklockwood.com/garden/processors/h100",
  ],
  // The data sheet gives rates with 2:4 sparsity: half of them is dense. Hopper has no int4 units.
  rates: {
    float32: { ...published(66.9e12), unit: "CUDA cores" },
    tf32: { ...published(494.7e12), unit: "tensor cores" },
    float16: { ...published(989.4e12), unit: "tensor cores" },
    bfloat16: { ...published(989.4e12), unit: "tensor cores" },
    int8: { ...published(1978.9e12), unit: "tensor cores" },
  },
  memory: { weights: hbm, activations: hbm },
  process: "7nm",
  watts: published(700),
  price: { usdPerHour: 2.69, date: "2026-03", source: "https://deploybase.ai/articles/runpod-gpu-pricing" },
});
