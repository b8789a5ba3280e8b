// F1: the harmonic mean of precision and recall, of class 1 where there are two classes, else the mean over the classes.

import { defineAccuracy } from "./metric.js";
import { argmax, classOf, labelsOf, mean, scoresOf } from "./scores.js";

export const f1 = defineAccuracy({
  name: "f1",
  summary: "F1 of class 1 with two classes (or one score, split at 0.5), mean over the classes with more, 0 to 1.",
  reference: "C. J. van Rijsbergen, Information Retrieval, 1979",
  better: "higher",
  accepts: () => false,
  labelsAreClasses: true,
  start({ output } = {}) {
    const pairs: { found: number; label: number }[] = [];
    let classes = 2;
    return {
      add(outputs, sample) {
        const scores = scoresOf(outputs, output);
        const labels = labelsOf(sample, scores.rows);
        classes = Math.max(scores.width, 2);
        for (let row = 0; row < scores.rows; row++) {
          const label = classOf(labels[row]!, classes, sample.id);
          pairs.push({ found: scores.width === 1 ? Number(scores.data[row]! > 0.5) : argmax(scores, row), label });
        }
      },
      result() {
        const each = Array.from({ length: classes }, (_, one) => score(pairs, one));
        // A class that occurs neither in the labels nor in the predictions has no F1 and is left out of the mean.
        const value = classes === 2 ? (each[1] ?? 0) : mean(each.filter((one) => one !== undefined) as number[]);
        const right = pairs.filter(({ found, label }) => found === label).length;
        return { value, samples: pairs.length, extra: { "top-1": right / pairs.length } };
      },
    };
  },
});

function score(pairs: readonly { found: number; label: number }[], one: number): number | undefined {
  const both = pairs.filter(({ found, label }) => found === one && label === one).length;
  const either = pairs.reduce((n, { found, label }) => n + Number(found === one) + Number(label === one), 0);
  return either === 0 ? undefined : (2 * both) / either;
}
