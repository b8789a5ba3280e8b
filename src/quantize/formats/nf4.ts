// NormalFloat: 16 quantiles of the normal distribution, between -1 and 1.

import { levelsFormat } from "./format.js";

export const nf4 = levelsFormat("nf4", {
  name: "nf4",
  summary: "4-bit NormalFloat: quantiles of the normal distribution, with an exact zero",
  reference: "https://arxiv.org/abs/2305.14314",
  scaling: "absolute",
});
