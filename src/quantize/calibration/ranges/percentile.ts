// The range that holds a share of the numbers: the few beyond it are clipped. Numbers of one sign are cut at their far end
// only; of both signs, half of the rest is left out at either end (as ONNX Runtime's percentile calibration does).

import { quantile } from "../histogram.js";
import { defineCalibrationRange } from "./range.js";

export const percentile = defineCalibrationRange({
  name: "percentile",
  summary: "The range that holds so many percent of all numbers, zeros among them; the outermost are clipped",
  reference: "https://arxiv.org/abs/2004.09602",
  needs: "histogram",
  title: ({ percentile }) => `percentile ${percentile}`,
  range({ min, max, histogram }, { percentile }) {
    if (histogram === undefined) return { low: min, high: max };
    const rest = 1 - percentile / 100;
    const inside = (number: number) => Math.min(Math.max(number, min), max);
    if (min >= 0) return { low: min, high: inside(quantile(histogram, 1 - rest)) };
    if (max <= 0) return { low: inside(quantile(histogram, rest)), high: max };
    return { low: inside(quantile(histogram, rest / 2)), high: inside(quantile(histogram, 1 - rest / 2)) };
  },
});
