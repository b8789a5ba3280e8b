// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits; subnormals down to 2^-24.

import { floatFormat } from "./format.js";

export const float16 = floatFormat("float16", {
  name: "float16",
  summary: "IEEE half precision: 11 significant bits, up to 65504",
  reference: "https://ieeexplore.ieee.org/document/8766229",
  dtype: "float16",
  scaling: "none",
  computes: true,
});
