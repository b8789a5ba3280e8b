// What every form of a study says in the same words: numbers, answers, definitions.

import type { StudyAnswer, StudyDifference, StudyReport } from "../../metrics/study-report.js";
import { signed, significant } from "../format.js";

export const times = (ratio: number): string => `${significant(ratio, 3)}×`;

/** Scores between 0 and 1 to four places, others to four digits. */
export const scoreText = (value: number): string => (Math.abs(value) <= 1 ? value.toFixed(4) : significant(value, 4));

export const changeText = (value: number): string =>
  Math.abs(value) < 1 ? signed(value, 4) : `${value < 0 ? "−" : "+"}${significant(Math.abs(value), 4)}`;

/** "+0.0120 (95% −0.0010 to +0.0250, n = 800)". */
export function differenceText({ value, low, high, samples }: StudyDifference): string {
  const range = low === null || high === null ? "" : `95% ${changeText(low)} to ${changeText(high)}, `;
  return `${changeText(value)} (${range}n = ${samples})`;
}

const VERDICTS = { better: "yes", worse: "no", unclear: "unclear" } as const;

/** The word for "second is better than first"; what compares two ways is named by the better of them. */
export const verdictText = ({ question, verdict, first, second }: StudyAnswer): string =>
  question.startsWith("Does ")
    ? VERDICTS[verdict]
    : verdict === "unclear"
      ? "unclear"
      : verdict === "better"
        ? second
        : first;

/** How the numbers were made. */
export function definitions({ metric, data, seeds, finetune }: StudyReport): readonly string[] {
  const trained =
    finetune === null
      ? "Nothing is trained after the removal."
      : `Each run is trained on ${data.trained} samples with ${JSON.stringify(finetune)}, which schedules of several steps share among them; among the weights of a training the ${data.heldOut} held-out samples choose.`;
  return [
    "Compression: weights of the original that are not zero over those of the result.",
    "Theoretical speed-up: multiply-accumulates of the original over those of the result, products by zero weights left out. No runtime leaves these out: only structures that are cut out make a model faster.",
    `${metric} is of the ${data.measured} samples of ${data.name} that are kept for measuring; no choice was made on them. Change: result minus original on the same samples, with the paired 95% interval; over several seeds the mean, and an interval that is none too narrow. Spread: the sample standard deviation over seeds.`,
    `Every run begins with the same weights; seeds ${seeds.join(", ")} draw random scores and the order of training samples. ${trained}`,
    "An answer compares all pairs of runs that differ in that choice alone. It is unclear where the 95% interval holds 0, or where not every pair says the same.",
    "Definitions: D. Blalock et al., What is the State of Neural Network Pruning?, MLSys 2020.",
  ];
}
