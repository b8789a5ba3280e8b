// The study in the terminal: answers, and what held-out data chooses.

import pc from "picocolors";
import type { StudyReport } from "../../metrics/study-report.js";
import { percent, plain } from "../format.js";
import { grid } from "../grid.js";
import { changeText, differenceText, scoreText, times, verdictText } from "./words.js";

export function printStudy(report: StudyReport): string {
  const { original, metric, answers, choices, points, beside, runs } = report;
  const failed = runs.filter(({ error }) => error !== undefined).length;
  const parts = [
    `${pc.bold(plain(report.model))}  ${plain(metric)} ${scoreText(original.measured.value)} on ${original.measured.samples} samples`,
    grid(
      "Answers",
      ["question", "removed", "answer", "difference", "better in"],
      answers.map((one) => [
        `${plain(one.question)} ${pc.dim(plain(one.structure))}`,
        percent(one.ratio, 0),
        plain(verdictText(one)),
        differenceText(one.difference),
        `${one.wins} of ${one.pairs}`,
      ]),
    ),
    grid(
      // Without a held-out part nothing may choose: all points are shown.
      choices.length > 0 ? "What held-out data chooses" : "Operating points",
      ["structure", "removed", "method", "compression", "speed-up", metric, "change"],
      (choices.length > 0 ? choices.map(({ point }) => point) : points).map((point) => [
        plain(point.method.structure),
        percent(point.ratio, 0),
        plain(point.name),
        times(point.compression.mean),
        times(point.speedUp.mean),
        scoreText(point.accuracy.mean),
        changeText(point.change.value),
      ]),
    ),
    grid(
      "Other networks",
      ["network", "compression", "speed-up", metric, "change"],
      beside.map(({ name, outcome, record }) => [
        plain(name),
        times(outcome.compression),
        times(outcome.speedUp),
        scoreText(record.measured.value),
        changeText(outcome.change.value),
      ]),
    ),
    failed > 0 ? pc.yellow(`${failed} of ${runs.length} runs failed: the report says why.`) : "",
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}
