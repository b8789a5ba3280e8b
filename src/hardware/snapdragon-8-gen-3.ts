// Qualcomm Snapdragon 8 Gen 3: a phone's GPU for floats, its NPU for int8.

import { assumed, claimed, defineDevice, derived, type Memory } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const lpddr: Memory = {
  kind: "LPDDR5X",
  bytes: 16e9,
  bandwidth: derived(76.8e9, "4.8 GHz, two transfers a cycle, 64 bits wide"),
  energy: MEMORY_ENERGY.lpddr,
};

export const snapdragon8Gen3 = defineDevice({
  name: "snapdragon-8-gen-3",
  summary: "Qualcomm Snapdragon 8 Gen 3: Adreno 750 and Hexagon, 16 GB (2023)",
  reference:
    "https://www.qualcomm.com/products/mobile/snapdragon/smartphones/snapdragon-8-series-mobile-platforms/snapdragon-8-gen-3-mobile-platform",
  sources: ["https://en.wikipedia.org/wiki/Adreno", "https://runlocalai.co/hardware/snapdragon-8-gen-3"],
  rates: {
    float32: { ...derived(2.77e12, "1536 lanes at 903 MHz as reported; Qualcomm publishes none"), unit: "Adreno GPU" },
    float16: { ...derived(5.55e12, "twice the rate of float32"), unit: "Adreno GPU" },
    int8: { ...claimed(45e12, "as reported; Qualcomm states no figure for this chip"), unit: "Hexagon NPU" },
  },
  memory: { weights: lpddr, activations: lpddr },
  process: "7nm",
  watts: assumed(8, "a phone under full load for a short time"),
});
