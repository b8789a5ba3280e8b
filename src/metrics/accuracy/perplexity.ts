// Perplexity of a causal language model: e to the mean negative log-likelihood of the token that follows each position.

import { invalid } from "../../base/errors.js";
import { defineAccuracy } from "./metric.js";
import { isValue, labelsOf, scoresOf } from "./scores.js";

export const perplexity = defineAccuracy({
  name: "perplexity",
  summary: "Perplexity of the next token; labels are the tokens that follow each position, below 0 is not counted.",
  reference: "F. Jelinek et al., Perplexity: a measure of the difficulty of speech recognition tasks, 1977",
  better: "lower",
  accepts: (_outputs, { label }) => isValue(label) && /^int/.test(label.dtype),
  labelsAreClasses: true,
  start({ output } = {}) {
    const loss: number[] = [];
    const items: number[] = [];
    return {
      add(outputs, sample) {
        const { data, rows, width } = scoresOf(outputs, output);
        const labels = labelsOf(sample, rows);
        let sum = 0;
        let count = 0;
        for (let row = 0; row < rows; row++) {
          const label = labels[row]!;
          if (label < 0) continue;
          if (!Number.isInteger(label) || label >= width) {
            throw invalid("metric-label", `A token of sample ${sample.id} is not in the model's vocabulary.`, {
              node: sample.id,
              expected: `a whole number from 0 to ${width - 1}`,
              found: String(label),
            });
          }
          sum += logSumExp(data, row * width, width) - data[row * width + label]!;
          count++;
        }
        if (count === 0) return;
        loss.push(sum / count);
        items.push(count);
      },
      result() {
        const tokens = items.reduce((sum, each) => sum + each, 0);
        const total = loss.reduce((sum, each, i) => sum + each * items[i]!, 0);
        return { value: Math.exp(total / tokens), samples: tokens, perDocument: { loss, items } };
      },
    };
  },
});

function logSumExp(data: ArrayLike<number>, start: number, width: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < width; i++) top = Math.max(top, data[start + i]!);
  let sum = 0;
  for (let i = 0; i < width; i++) sum += Math.exp(data[start + i]! - top);
  return top + Math.log(sum);
}
