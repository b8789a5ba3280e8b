// The forms of numbers that an estimate is made for: how wide weights and activations are, and what multiplies them.

import type { Device, Rate } from "./device.js";

export interface Form {
  /** Bits per weight that are read, scales included. */
  readonly weightBits: number;
  readonly activationBits: number;
  /** Whose units multiply, the first that the device has. Without a unit, numbers are widened when they are read. */
  readonly arithmetic: readonly FormName[];
}

export type FormName = "float32" | "tf32" | "float16" | "bfloat16" | "int8" | "int4";

export const FORMS: Readonly<Record<FormName, Form>> = {
  float32: { weightBits: 32, activationBits: 32, arithmetic: ["float32"] },
  // tf32 is a way to multiply float32: nothing is stored in it.
  tf32: { weightBits: 32, activationBits: 32, arithmetic: ["tf32", "float32"] },
  float16: { weightBits: 16, activationBits: 16, arithmetic: ["float16", "float32"] },
  bfloat16: { weightBits: 16, activationBits: 16, arithmetic: ["bfloat16", "float32"] },
  int8: { weightBits: 8, activationBits: 8, arithmetic: ["int8", "float16", "float32"] },
  // 4-bit codes and a float16 scale for each 32 of them; activations stay int8, since 4 bits are too few for them: the
  // int4 units that a device may have are not used.
  int4: { weightBits: 4.5, activationBits: 8, arithmetic: ["int8", "float16", "float32"] },
};

export const FORM_NAMES = Object.keys(FORMS) as FormName[];

/** What multiplies numbers of a form on a device. */
export function arithmeticOf(device: Device, form: FormName): { readonly form: FormName; readonly rate: Rate } {
  for (const name of FORMS[form].arithmetic) {
    const rate = device.rates[name];
    if (rate !== undefined) return { form: name, rate };
  }
  return { form: "float32", rate: device.rates.float32 };
}
