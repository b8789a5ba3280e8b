// Extremes that follow the samples slowly: one odd sample moves them little.

import { defineCalibrationRange } from "./range.js";

export const movingAverage = defineCalibrationRange({
  name: "moving-average",
  summary: "Moving averages of each sample's smallest and largest number: a single odd sample moves them little",
  reference: "https://arxiv.org/abs/1712.05877",
  needs: "extremes",
  title: ({ momentum }) => `moving-average ${momentum}`,
  range: ({ moving: { low, high } }) => ({ low, high }),
});
