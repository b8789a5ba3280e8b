// IEEE 754 binary32: what weights mostly are. Stored as it is: only where few of them are not zero is there something to win.

import { floatFormat } from "./format.js";

export const float32 = floatFormat("float32", {
  name: "float32",
  summary: "IEEE single precision, as it is: for sparse storage only",
  reference: "https://ieeexplore.ieee.org/document/8766229",
  dtype: "float32",
  scaling: "none",
});
