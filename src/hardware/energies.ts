// Joules per multiply-accumulate and per byte. They count the arithmetic and the memory cells and nothing around them
// (instruction fetch, control, leakage, voltage conversion), so that a sum of them is a lower bound.

import { assumed, derived, type Figure } from "./device.js";
import type { FormName } from "./forms.js";

/** "45nm": Horowitz 2014; "7nm": the same table brought up to date by Jouppi and others 2021, and used for what is finer. */
export type Process = "45nm" | "7nm";

export const ENERGY_SOURCES: Readonly<Record<Process, string>> = {
  // M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, figure 1.1.9.
  "45nm": "https://doi.org/10.1109/ISSCC.2014.6757323",
  // N. Jouppi et al., Ten lessons from three generations shaped Google's TPUv4i, ISCA 2021, table 2.
  "7nm": "https://doi.org/10.1109/ISCA52012.2021.00010",
};

const PICO = 1e-12;

/** Multiply and add, picojoules. Products of floats are added in float32, those of integers in int32. */
const MAC: Readonly<Record<Process, Readonly<Record<FormName, number>>>> = {
  "45nm": {
    float32: 3.7 + 0.9,
    // The multipliers of tf32 and float16 are equally wide (11 bits); bfloat16 is in the proportion it has at 7 nm.
    tf32: 1.1 + 0.9,
    float16: 1.1 + 0.9,
    bfloat16: 1.1 * (0.21 / 0.34) + 0.9,
    int8: 0.2 + 0.1,
    // In neither table: int8's, which is above it.
    int4: 0.2 + 0.1,
  },
  "7nm": {
    float32: 1.31 + 0.38,
    tf32: 0.34 + 0.38,
    float16: 0.34 + 0.38,
    bfloat16: 0.21 + 0.38,
    int8: 0.07 + 0.03,
    int4: 0.07 + 0.03,
  },
};

/** Joules of one multiply-accumulate. */
export const macEnergy = (process: Process, arithmetic: FormName): number => MAC[process][arithmetic] * PICO;

/** The tables give picojoules for 64 bits. */
const perByte = (picojoules: number) => (picojoules * PICO) / 8;

/** Joules per byte of the memories that devices have. */
export const MEMORY_ENERGY = {
  hbm: derived(perByte(350), "the middle of 250 to 450 pJ for 64 bits of HBM2 (Jouppi 2021)"),
  gddr: derived(perByte(415), "the middle of 350 to 480 pJ for 64 bits of GDDR6 (Jouppi 2021)"),
  lpddr: assumed(4 * 8 * PICO, "4 pJ per bit, as is often quoted for LPDDR4; makers publish no figure"),
  sram: derived(perByte(100), "100 pJ for 64 bits of a memory of 1 MB at 45 nm (Horowitz 2014)"),
  flash: assumed(perByte(100), "as SRAM of 1 MB: makers publish no figure"),
} as const satisfies Record<string, Figure>;
