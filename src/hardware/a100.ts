// NVIDIA A100, 80 GB, SXM4.

import { defineDevice, type Memory, published } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const hbm: Memory = { kind: "HBM2e", bytes: 80e9, bandwidth: published(2.039e12), energy: MEMORY_ENERGY.hbm };

export const a100 = defineDevice({
  name: "a100",
  summary: "NVIDIA A100, 80 GB, SXM4 (2020)",
  reference:
    "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf",
  sources: [
    "https://images.nvidia.com/aem-dam/en-zz/Solutions/data-center/nvidia-ampere-architecture-whitepaper.pdf",
    "https://glennklockwood.com/garden/processors/A100",
  ],
  rates: {
    float32: { ...published(19.5e12), unit: "CUDA cores" },
    tf32: { ...published(156e12), unit: "tensor cores" },
    float16: { ...published(312e12), unit: "tensor cores" },
    bfloat16: { ...published(312e12), unit: "tensor cores" },
    int8: { ...published(624e12), unit: "tensor cores" },
    int4: { ...published(1248e12), unit: "tensor cores" },
  },
  memory: { weights: hbm, activations: hbm },
  process: "7nm",
  watts: published(400),
  price: { usdPerHour: 1.39, date: "2026-03", source: "https://deploybase.ai/articles/runpod-gpu-pricing" },
});
