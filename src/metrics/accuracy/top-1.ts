// Share of samples whose highest score is the labelled class; the five highest beside it.

import { defineAccuracy } from "./metric.js";
import { argmax, classOf, isValue, labelsOf, mean, scoresOf } from "./scores.js";

export const top1 = defineAccuracy({
  name: "top-1",
  summary: "Share of samples whose highest score is the labelled class (and top-5 beside it), 0 to 1.",
  better: "higher",
  accepts: (outputs, { label }) =>
    scoresOf(outputs).width > 1 && !isValue(label) && [label].flat().every((one) => Number.isInteger(one)),
  labelsAreClasses: true,
  start({ output } = {}) {
    const hits: number[] = [];
    const near: number[] = [];
    let classes = 0;
    return {
      add(outputs, sample) {
        const scores = scoresOf(outputs, output);
        const labels = labelsOf(sample, scores.rows);
        classes = scores.width;
        for (let row = 0; row < scores.rows; row++) {
          const label = classOf(labels[row]!, classes, sample.id);
          hits.push(argmax(scores, row) === label ? 1 : 0);
          near.push(rank(scores.data, row * classes, classes, label) < 5 ? 1 : 0);
        }
      },
      result: () => ({
        value: mean(hits),
        samples: hits.length,
        ...(classes > 5 ? { extra: { "top-5": mean(near) } } : {}),
        perSample: hits,
      }),
    };
  },
});

/** How many classes stand before the label: with a higher score, or an equal one and a lower index. */
function rank(data: ArrayLike<number>, start: number, classes: number, label: number): number {
  const own = data[start + label]!;
  let before = 0;
  for (let i = 0; i < classes; i++) {
    const score = data[start + i]!;
    if (score > own || (score === own && i < label) || (Number.isNaN(own) && i !== label)) before++;
  }
  return before;
}
