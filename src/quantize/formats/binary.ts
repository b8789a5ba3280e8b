// Two numbers: -1 and 1, one bit.

import { levelsFormat } from "./format.js";

export const binary = levelsFormat("binary", {
  name: "binary",
  summary: "-1 and 1 in one bit; the scale is the mean magnitude",
  reference: "https://arxiv.org/abs/1603.05279",
  scaling: "mean",
  // Measured: blocks of 32 gain 0.1 to 0.4 dB for 0.37 bits more a weight.
  block: 128,
});
