// The range that holds a share of the weights: the few beyond it are clipped.

import { defineRange } from "./range.js";

export const percentile = defineRange({
  name: "percentile",
  summary: "The magnitude below which the given percentage of the weights lies; the others are clipped",
  reference: "https://arxiv.org/abs/2004.09602",
  kernel: ({ percentile }) => ({ kind: "percentile", percentile }),
});
