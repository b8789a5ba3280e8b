// Arm Cortex-M7, as in STM32H743: weights in flash, activations in SRAM.

import { assumed, defineDevice, derived } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const CLOCK = 480e6;

export const cortexM7 = defineDevice({
  name: "cortex-m7",
  summary: "Arm Cortex-M7 at 480 MHz (STM32H743): 2 MB flash, 1 MB SRAM",
  reference: "https://www.st.com/resource/en/datasheet/stm32h743vi.pdf",
  sources: ["https://www.quinapalus.com/cm7cycles.html", "https://0xhenry.dev/en/study/stm32-architecture"],
  rates: {
    float32: { ...derived(CLOCK * 1 * 2, "VFMA: one product a cycle"), unit: "FPU" },
    int8: {
      ...derived(CLOCK * 2 * 2, "SMLAD: two products of 16 bits a cycle, after widening"),
      unit: "DSP extension",
    },
  },
  memory: {
    weights: {
      kind: "flash",
      bytes: 2 * 2 ** 20,
      bandwidth: derived((240e6 / 5) * 32, "32 bytes each 5 cycles of the 240 MHz bus (4 wait states)"),
      energy: MEMORY_ENERGY.flash,
    },
    activations: {
      kind: "SRAM",
      bytes: 2 ** 20,
      bandwidth: derived(240e6 * 8, "8 bytes a cycle of the 240 MHz bus; the 128 kB next to the core are faster"),
      energy: MEMORY_ENERGY.sram,
    },
  },
  process: "45nm",
  watts: assumed(280e-6 * 480 * 3.3, "about 280 uA per MHz at 3.3 V, peripherals off"),
});
