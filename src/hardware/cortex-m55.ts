// Arm Cortex-M55 with Helium, as in Alif's Ensemble: weights in MRAM, activations in SRAM.

import { assumed, defineDevice, derived } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const CLOCK = 400e6;

const lanes = (count: number) => `${count} products a cycle: 64 bits of a vector at a time`;

export const cortexM55 = defineDevice({
  name: "cortex-m55",
  summary: "Arm Cortex-M55 with Helium at 400 MHz (Alif Ensemble): 5.5 MB MRAM, 13.5 MB SRAM",
  reference: "https://www.arm.com/resources/white-paper/cortex-m55-introduction",
  sources: [
    "https://fuse.wikichip.org/news/3319/arms-new-cortex-m55-breathes-helium/",
    "https://alifsemi.com/products/ensemble/",
    "https://alifsemi.com/whitepaper/power-saving-alif-microcontrollers/",
  ],
  rates: {
    float32: { ...derived(CLOCK * 2 * 2, lanes(2)), unit: "Helium" },
    float16: { ...derived(CLOCK * 4 * 2, lanes(4)), unit: "Helium" },
    int8: { ...derived(CLOCK * 8 * 2, lanes(8)), unit: "Helium" },
  },
  memory: {
    weights: {
      kind: "MRAM",
      bytes: 5.5 * 2 ** 20,
      bandwidth: assumed(0.8e9, "2 bytes a cycle; Alif publishes none"),
      energy: MEMORY_ENERGY.flash,
    },
    activations: {
      kind: "SRAM",
      bytes: 13.5 * 2 ** 20,
      bandwidth: derived(CLOCK * 8, "8 bytes a cycle"),
      energy: MEMORY_ENERGY.sram,
    },
  },
  process: "45nm",
  watts: assumed(0.06, "the core and its memory at full load"),
});
