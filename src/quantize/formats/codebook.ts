// The numbers that fit a weight best, found by k-means: the option entries says how many.

import { defineFormat, notLearned } from "./format.js";

export const codebook = defineFormat({
  name: "codebook",
  summary: "2 to 256 numbers learned from each weight (k-means), or from each group of its channels",
  reference: "https://arxiv.org/abs/1510.00149",
  bits: 8,
  kind: "learned",
  low: Number.NEGATIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
  scaling: "none",
  granularity: "tensor",
  block: 32,
  encode() {
    throw notLearned();
  },
  decode() {
    throw notLearned();
  },
});
