// The tables of docs/study.md, from what studies gave.

import type { StudyAnswer, StudyPoint, StudyRecord, StudyReport, StudyRun } from "../../src/metrics/study-report.js";
import { changeText, differenceText, scoreText, times, verdictText } from "../../src/report/study/words.js";
import { differ, meanDifference } from "../../src/search/study/statistics.js";

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(heads), row(heads.map(() => "---")), ...rows.map(row)].join("\n");
const share = (ratio: number): string => `${Math.round(100 * ratio)}%`;

/** All of one study: the original, answers, every operating point, networks beside. */
export function studyTables(report: StudyReport): string {
  const { original, metric, data, runs, seeds, finetune, beside } = report;
  const { size, measured } = original;
  const failed = runs.filter(({ error }) => error !== undefined).length;
  const about = [
    `${runs.length - failed} runs${failed > 0 ? `, ${failed} more failed` : ""}, seeds ${seeds.join(", ")}.`,
    `Original: ${metric} ${scoreText(measured.value)}, n = ${measured.samples} (${data.name}), ${size.nonZero} weights, ${size.macs} multiply-accumulates, ${size.bytes} bytes.`,
    `Training of each run: \`${JSON.stringify(finetune)}\` on ${data.trained} samples, ${data.heldOut} held out to choose by.`,
  ].join(" ");
  return [
    about,
    answerTable(report),
    table(
      ["removed", "method", "compression", "theoretical speed-up", metric, "over seeds", "change (95%)"],
      report.points.map((point) => pointRow(point, runs)),
    ),
    ...(beside.length === 0
      ? []
      : [
          table(
            ["network beside", "compression", "theoretical speed-up", metric, "change (95%)"],
            beside.map(({ name, record, outcome }) => [
              name,
              times(outcome.compression),
              times(outcome.speedUp),
              scoreText(record.measured.value),
              differenceText(outcome.change),
            ]),
          ),
          againstBeside(report),
        ]),
  ].join("\n\n");
}

function answerTable({ answers, metric }: StudyReport): string {
  return table(
    ["question", "removed", "answer", `difference in ${metric}`, "better in", "speed-up of both"],
    answers.map((one) => [
      one.question,
      share(one.ratio),
      verdictText(one),
      differenceText(one.difference),
      `${one.wins} of ${one.pairs}`,
      one.speedUp.map(times).join(", "),
    ]),
  );
}

function pointRow({ method, name, ratio, ...point }: StudyPoint, runs: readonly StudyRun[]): string[] {
  const failed = runs.some(({ error }) => error !== undefined) && point.failed > 0 ? `, ${point.failed} failed` : "";
  return [
    share(ratio),
    name,
    times(point.compression.mean),
    times(point.speedUp.mean),
    scoreText(point.accuracy.mean),
    `${point.accuracy.n < 2 ? "one run" : `± ${point.accuracy.sd.toFixed(4)}`}${failed}`,
    differenceText(point.change),
  ];
}

/** Against each network beside: the least cut of the best method that is no larger, by weights and by work. */
function againstBeside(report: StudyReport): string {
  const rows = report.beside.flatMap(({ name, record, outcome }) =>
    (["compression", "speedUp"] as const).map((axis) => {
      const what = axis === "compression" ? "no more weights" : "no more multiply-accumulates";
      const enough = report.points.filter(
        (point) => point.method.score !== "random" && point[axis].mean >= 0.98 * outcome[axis],
      );
      const point = enough.sort((a, b) => a[axis].mean - b[axis].mean || worth(b) - worth(a))[0];
      if (!point) return [name, what, "nothing was cut so far", "", ""];
      const { value, ...interval } = differenceTo(point, record, report.runs);
      return [
        name,
        what,
        `${point.name}, ${share(point.ratio)} removed`,
        `${times(point.compression.mean)}, ${times(point.speedUp.mean)}`,
        differenceText({ value, ...interval }),
      ];
    }),
  );
  return table(
    ["beside", "with", "cut network", "its compression, speed-up", `cut minus beside, ${report.metric} (95%)`],
    rows,
  );
}

const worth = ({ heldOut, accuracy }: StudyPoint): number => (heldOut ?? accuracy).mean;

function differenceTo(point: StudyPoint, record: StudyRecord, runs: readonly StudyRun[]) {
  const own = runs.filter((run) => run.ratio === point.ratio && same(run, point));
  return meanDifference(own.flatMap((run) => (run.record ? [differ(record.measured, run.record.measured)] : [])));
}

const same = (run: StudyRun, point: StudyPoint): boolean => JSON.stringify(run.method) === JSON.stringify(point.method);

/** One line a question and study: what each share says. */
export function summary(studies: readonly { readonly title: string; readonly report: StudyReport }[]): string {
  const rows = studies.flatMap(({ title, report }) => {
    const questions = [...new Set(report.answers.map(({ question }) => question))];
    return questions.map((question) => {
      const own = report.answers.filter((one) => one.question === question);
      return [question, title, own.map(brief).join("; ")];
    });
  });
  return table(["question", "network", "answer at each share that is removed, and the difference"], rows);
}

const brief = (one: StudyAnswer): string =>
  `${share(one.ratio)}: ${verdictText(one)} (${changeText(one.difference.value)})`;

/** `text` with what stands between the markers of `name` replaced. Throws where the page has no such markers. */
export function withSection(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- study:${name} -->`, `<!-- /study:${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no section ${name}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}
