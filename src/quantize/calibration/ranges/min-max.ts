// The whole range: nothing that was observed is clipped.

import { defineCalibrationRange } from "./range.js";

export const minMax = defineCalibrationRange({
  name: "min-max",
  summary: "The smallest and the largest number observed: nothing is clipped",
  reference: "https://arxiv.org/abs/1712.05877",
  needs: "extremes",
  title: () => "min-max",
  range: ({ min, max }) => ({ low: min, high: max }),
});
