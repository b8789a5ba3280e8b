// Arm Cortex-M4F, as in STM32F407: weights in flash, activations in SRAM.

import { defineDevice, derived } from "./device.js";
import { MEMORY_ENERGY } from "./energies.js";

const CLOCK = 168e6;

export const cortexM4f = defineDevice({
  name: "cortex-m4f",
  summary: "Arm Cortex-M4F at 168 MHz (STM32F407): 1 MB flash, 192 kB SRAM",
  reference: "https://developer.arm.com/documentation/ddi0439/latest/",
  sources: [
    "https://www.st.com/en/microcontrollers-microprocessors/stm32f407-417.html",
    "https://stm32.dirba.io/rm0090-stm32f405-415-407-417-427-437-429-439/03-embedded-flash-memory-interface/",
    "https://electronics.stackexchange.com/questions/544886/arm-cortex-m4-vfma-fused-multiply-add-performance-3-2-or-1-clock-forwarding",
  ],
  rates: {
    float32: { ...derived(CLOCK * 0.5 * 2, "a product and a sum of one cycle each (VFMA takes three)"), unit: "FPU" },
    int8: {
      ...derived(CLOCK * 2 * 2, "SMLAD: two products of 16 bits a cycle, after widening"),
      unit: "DSP extension",
    },
  },
  memory: {
    weights: {
      kind: "flash",
      bytes: 2 ** 20,
      bandwidth: derived((CLOCK / 6) * 16, "16 bytes each 6 cycles (5 wait states)"),
      energy: MEMORY_ENERGY.flash,
    },
    activations: {
      kind: "SRAM",
      bytes: 192 * 1024,
      bandwidth: derived(CLOCK * 4, "4 bytes a cycle"),
      energy: MEMORY_ENERGY.sram,
    },
  },
  process: "45nm",
  watts: derived(238e-6 * 168 * 3.3, "238 uA per MHz at 3.3 V, peripherals off"),
});
