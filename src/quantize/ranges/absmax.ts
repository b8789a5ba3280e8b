// The whole range: nothing is clipped.

import { defineRange } from "./range.js";

export const absmax = defineRange({
  name: "absmax",
  summary: "The largest magnitude (or the smallest and the largest number): nothing is clipped",
  reference: "https://arxiv.org/abs/2103.13630",
  kernel: () => ({ kind: "absmax" }),
});
