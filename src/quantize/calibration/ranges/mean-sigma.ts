// So many standard deviations around the mean.

import { defineCalibrationRange } from "./range.js";

export const meanSigma = defineCalibrationRange({
  name: "mean-sigma",
  summary: "So many standard deviations on both sides of the mean, within what was observed",
  reference: "https://arxiv.org/abs/1810.05723",
  needs: "extremes",
  title: ({ sigmas }) => `mean-sigma ${sigmas}`,
  range: ({ min, max, mean, deviation }, { sigmas }) => ({
    low: Math.max(min, mean - sigmas * deviation),
    high: Math.min(max, mean + sigmas * deviation),
  }),
});
