// The extremes of the sample in the middle.

import { defineCalibrationRange } from "./range.js";

export const median = defineCalibrationRange({
  name: "median",
  summary: "The medians of each sample's smallest and largest number: half of the samples are clipped on either side",
  reference: "https://arxiv.org/abs/2004.09602",
  needs: "extremes",
  title: () => "median",
  range: ({ lows, highs }) => ({ low: middle(lows), high: middle(highs) }),
});

/** Of an even number of samples the mean of the two in the middle. */
function middle(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
