// NVIDIA GeForce RTX 4090.

import { defineDevice, type Memory, published } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const gddr: Memory = { kind: "GDDR6X", bytes: 24e9, bandwidth: published(1.008e12), energy: MEMORY_ENERGY.gddr };

export const rtx4090 = defineDevice({
  name: "rtx-4090",
  summary: "NVIDIA GeForce RTX 4090, 24 GB (2022)",
  reference: "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf",
  sources: ["https://waredb.com/processor/nvidia-geforce-rtx-4090"],
  rates: {
    float32: { ...published(82.6e12), unit: "CUDA cores" },
    // Rates that add in float32; adding in float16 is twice as fast and loses accuracy.
    tf32: { ...published(82.6e12), unit: "tensor cores" },
    float16: { ...published(165.2e12), unit: "tensor cores" },
    bfloat16: { ...published(165.2e12), unit: "tensor cores" },
    int8: { ...published(660.6e12), unit: "tensor cores" },
    int4: { ...published(1321.2e12), unit: "tensor cores" },
  },
  memory: { weights: gddr, activations: gddr },
  process: "7nm",
  watts: published(450),
  price: { usdPerHour: 0.34, date: "2026-03", source: "https://deploybase.ai/articles/runpod-gpu-pricing" },
});
