// Non-zeros: how many elements of the weights are not zero.

import { nonZeroCount } from "./count-non-zero.js";
import { defineMetric } from "./metric.js";

export const nonZero = defineMetric({
  name: "non-zero",
  summary: "elements of the weights that are not zero; codes: not their zero point",
  unit: "count",
  better: "lower",
  needs: "weights",
  value: (row) => row.nonZero,
  async measure(subjects, { signal }) {
    const rows = [];
    for (const { model } of subjects) rows.push({ nonZero: await nonZeroCount(model, signal) });
    return rows;
  },
});
