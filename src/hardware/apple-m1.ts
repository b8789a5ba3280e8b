// Apple M1: its GPU, which is what WebGPU reaches.

import { assumed, defineDevice, derived, type Memory } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const lpddr: Memory = {
  kind: "LPDDR4X",
  bytes: 16e9,
  bandwidth: derived(68.3e9, "4266 million transfers a second, 128 bits wide"),
  energy: MEMORY_ENERGY.lpddr,
};

const lanes = "8 cores of 128 lanes at 1.278 GHz; float16 is as fast as float32";

export const appleM1 = defineDevice({
  name: "apple-m1",
  summary: "Apple M1, GPU of 8 cores, 16 GB (2020)",
  reference: "https://github.com/philipturner/metal-benchmarks",
  sources: ["https://support.apple.com/en-us/111893"],
  rates: {
    float32: { ...derived(2.617e12, lanes), unit: "GPU" },
    float16: { ...derived(2.617e12, lanes), unit: "GPU" },
  },
  memory: { weights: lpddr, activations: lpddr },
  process: "7nm",
  watts: assumed(20, "the chip under full load; Apple publishes none"),
});
