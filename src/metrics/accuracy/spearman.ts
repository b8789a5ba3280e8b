// Spearman's rank correlation of one score with one number, as sentence similarity is judged.

import { defineAccuracy } from "./metric.js";
import { labelsOf, mean, scoresOf } from "./scores.js";

export const spearman = defineAccuracy({
  name: "spearman",
  summary: "Rank correlation of the model's score with the label, -1 to 1.",
  reference: "C. Spearman, The Proof and Measurement of Association between Two Things, 1904",
  better: "higher",
  accepts: () => false,
  start({ output } = {}) {
    const found: number[] = [];
    const wanted: number[] = [];
    return {
      add(outputs, sample) {
        const { data } = scoresOf(outputs, output);
        const labels = labelsOf(sample, data.length);
        for (let i = 0; i < data.length; i++) {
          found.push(data[i]!);
          wanted.push(labels[i]!);
        }
      },
      result: () => ({ value: correlation(ranks(found), ranks(wanted)), samples: found.length }),
    };
  },
});

/** Ranks from 1; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
  const out = new Float64Array(values.length);
  for (let begin = 0; begin < order.length; ) {
    let end = begin + 1;
    while (end < order.length && values[order[end]!] === values[order[begin]!]) end++;
    for (let i = begin; i < end; i++) out[order[i]!] = (begin + end + 1) / 2;
    begin = end;
  }
  return out;
}

/** Pearson's correlation; not a number where one side does not vary. */
function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}
