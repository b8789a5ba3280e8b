// Mean absolute error of numbers: regression, and target tensors such as images.

import { defineAccuracy } from "./metric.js";
import { isValue, labelsOf, mean, scoresOf } from "./scores.js";

export const meanError = defineAccuracy({
  name: "mean-error",
  summary: "Mean absolute difference from the target (and its root mean square beside it), in the target's unit.",
  better: "lower",
  accepts(outputs, { label }) {
    if (isValue(label)) return /^float/.test(label.dtype);
    return (
      label !== undefined && (scoresOf(outputs).width === 1 || [label].flat().some((one) => !Number.isInteger(one)))
    );
  },
  start({ output } = {}) {
    const errors: number[] = [];
    const squares: number[] = [];
    return {
      add(outputs, sample) {
        const { data, rows } = scoresOf(outputs, output);
        const labels = labelsOf(sample, data.length);
        const width = data.length / Math.max(rows, 1);
        // One number per row, so that a large target does not fill the memory.
        for (let row = 0; row < rows; row++) {
          const differences = Array.from(
            { length: width },
            (_, i) => data[row * width + i]! - labels[row * width + i]!,
          );
          errors.push(mean(differences.map(Math.abs)));
          squares.push(mean(differences.map((x) => x * x)));
        }
      },
      result: () => ({
        value: mean(errors),
        samples: errors.length,
        extra: { rmse: Math.sqrt(mean(squares)) },
        perSample: errors,
      }),
    };
  },
});
