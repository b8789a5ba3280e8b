// Apple M4: its GPU for floats, the Neural Engine for int8.

import { assumed, claimed, defineDevice, derived, type Memory, published } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const lpddr: Memory = { kind: "LPDDR5X", bytes: 32e9, bandwidth: published(120e9), energy: MEMORY_ENERGY.lpddr };

const lanes = "10 cores of 128 lanes at 1.47 GHz; float16 taken to be as fast as float32, as on M1";

export const appleM4 = defineDevice({
  name: "apple-m4",
  summary: "Apple M4, GPU of 10 cores and Neural Engine, 32 GB (2024)",
  reference: "https://www.apple.com/newsroom/2024/05/apple-introduces-m4-chip/",
  sources: [
    "https://github.com/philipturner/metal-benchmarks",
    "https://hmc-tech.com/gpu/apple-10-core-m4-fl-vs-apple-10-core-m4-fl",
  ],
  rates: {
    float32: { ...derived(3.76e12, lanes), unit: "GPU" },
    float16: { ...derived(3.76e12, lanes), unit: "GPU" },
    int8: {
      ...claimed(38e12, "Apple does not say of which type: taken as int8. Only Core ML reaches it"),
      unit: "Neural Engine",
    },
  },
  memory: { weights: lpddr, activations: lpddr },
  process: "7nm",
  watts: assumed(20, "the chip under full load; Apple publishes none"),
});
