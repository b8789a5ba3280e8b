// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits; subnormals down to 2^-24.

import { fromFloat16Bits, toFloat16Bits } from "../../tensor/float16.js";
import { defineFormat } from "./format.js";

export const float16 = defineFormat({
  name: "float16",
  summary: "IEEE half precision: 11 significant bits, up to 65504",
  reference: "https://ieeexplore.ieee.org/document/8766229",
  bits: 16,
  dtype: "float16",
  kind: "float",
  low: -65504,
  high: 65504,
  encode: (value) => toFloat16Bits(Number.isFinite(value) ? Math.min(65504, Math.max(-65504, value)) : value),
  decode: fromFloat16Bits,
});
