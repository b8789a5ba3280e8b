// Two numbers: -1 and 1, one bit.

import { levelsFormat } from "./format.js";

export const binary = levelsFormat("binary", {
  name: "binary",
  summary: "-1 and 1 in one bit; the scale is the mean magnitude",
  reference: "https://arxiv.org/abs/1603.05279",
  scaling: "mean",
});
