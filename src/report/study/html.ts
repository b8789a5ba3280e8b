// HTML: the study as one page that needs nothing else, as the report of a model is: no script, no reference to the network.

import type { StudyAnswer, StudyModel, StudyPoint, StudyReport } from "../../metrics/study-report.js";
import { bytes, count, percent, plain, significant } from "../format.js";
import { Markup, html as markup } from "../markup.js";
import { page } from "../page.js";
import type { StudyForm } from "./form.js";
import { changeText, definitions, differenceText, scoreText, times, verdictText } from "./words.js";

type Charts = typeof import("./charts.js");

export const studyHtml: StudyForm = {
  extension: "html",
  async render(report) {
    const charts = await import("./charts.js");
    const title = plain(`${report.model.split(/[\\/]/).pop()}: pruning compared`);
    const body = markup`${figures(report)}
${answers(report)}
${structuresOf(report).map((structure) => structureSection(report, structure, charts))}
${choices(report)}
${beside(report)}
${table(report)}
${failures(report)}
${notes(report)}
<footer><ul>${definitions(report).map((line) => markup`<li>${plain(line, 600)}</li>`)}<li>${machine(report)}</li></ul><p>Made by pare ${plain(report.pare)}.</p></footer>`;
    const head = markup`<p class="soft">${subtitle(report)}</p>`;
    return page({ title, version: report.pare, head, body }).text;
  },
};

const structuresOf = ({ points }: StudyReport): readonly string[] => [
  ...new Set(points.map(({ method }) => method.structure)),
];

function subtitle({ runs, seeds, data, metric }: StudyReport): string {
  const done = runs.filter(({ record }) => record !== undefined).length;
  return plain(
    `${done} of ${runs.length} runs, ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}; ${metric} on ${data.measured} samples of ${data.name}.`,
    300,
  );
}

function figures({ original }: StudyReport): Markup {
  const { size, measured, metric } = original;
  const cards = [
    [scoreText(measured.value), `${metric} of the original`, `n = ${measured.samples}`],
    [count(size.nonZero), "weights that are not zero", `of ${count(size.parameters)}, ${bytes(size.bytes)} as a file`],
    [count(size.macs), "multiply-accumulates", "of one run"],
  ] as const;
  return markup`<div class="figures">${cards.map(
    ([value, label, detail]) =>
      markup`<div class="figure"><b>${value}</b><span class="label">${plain(label)}</span><span class="detail">${detail}</span></div>`,
  )}</div>`;
}

const TONES = { better: "good", worse: "bad", unclear: "" } as const;

function answers(report: StudyReport): Markup | undefined {
  if (report.answers.length === 0) return undefined;
  const many = structuresOf(report).length > 1;
  const rows = report.answers.map(
    (one) =>
      markup`<tr><td class="name">${plain(one.question)}${many ? markup`<small>${plain(one.structure)}</small>` : undefined}</td><td>${percent(one.ratio, 0)}</td><td><span class="chip ${TONES[one.verdict]}">${plain(verdictText(one), 20)}</span></td><td>${differenceText(one.difference)}<small>${plain(one.second)} minus ${plain(one.first)}</small></td><td>${one.wins} of ${one.pairs}</td><td>${sides(one)}</td></tr>`,
  );
  return section(
    "Answers",
    "Each compares all pairs of runs that differ in that choice alone.",
    grid(["Question", "Removed", "Answer", `Difference in ${report.metric}`, "Better in", "Compression"], rows),
  );
}

const sides = ({ compression: [first, second] }: StudyAnswer): string => `${times(first)} and ${times(second)}`;

function structureSection(report: StudyReport, structure: string, charts: Charts): Markup {
  const legend = [...charts.scoreStyles(report.points)].map(
    ([name, { colour }]) =>
      markup`<span><span class="swatch" style="background:${colour}"></span>${plain(name)}</span>`,
  );
  return markup`<section><h2>Structure ${plain(structure)}</h2><p class="soft small">Lines: mean over seeds; bands: from the worst to the best seed; dotted: the original.</p><div class="legend">${legend}</div><figure>${new Markup(
    charts.studyChart(report, structure, "compression"),
  )}</figure><figure>${new Markup(charts.studyChart(report, structure, "speedUp"))}</figure></section>`;
}

function choices({ choices: list, metric }: StudyReport): Markup | undefined {
  if (list.length === 0) return undefined;
  const rows = list.map(({ structure, ratio, point }) => pointRow(point, [structure, percent(ratio, 0)]));
  return section(
    "What held-out data chooses",
    "The method of the best mean on held-out data, and what it is worth on the samples that no choice was made on.",
    grid(["Structure", "Removed", ...POINT_HEADS(metric)], rows),
  );
}

function beside({ beside: list, metric }: StudyReport): Markup | undefined {
  if (list.length === 0) return undefined;
  const row = ({ name, record, outcome }: StudyModel) =>
    markup`<tr><td class="name">${plain(name, 60)}</td><td>${times(outcome.compression)}</td><td>${times(outcome.speedUp)}</td><td>${scoreText(record.measured.value)}</td><td>${differenceText(outcome.change)}</td></tr>`;
  return section(
    "Other networks, trained as usual",
    "On the same samples; ratios against the original of this study.",
    grid(["Network", "Compression", "Speed-up", metric, "Change"], list.map(row)),
  );
}

const POINT_HEADS = (metric: string) => ["Method", "Compression", "Speed-up", metric, "Spread", "Change, 95%", "Runs"];

function pointRow(point: StudyPoint, first: readonly string[]): Markup {
  const { name, compression, speedUp, accuracy, change, failed } = point;
  const range =
    change.low === null || change.high === null
      ? undefined
      : markup`<small>${changeText(change.low)} to ${changeText(change.high)}</small>`;
  const runs = failed === 0 ? String(accuracy.n) : `${accuracy.n}, ${failed} failed`;
  return markup`<tr>${first.map((text) => markup`<td class="name">${plain(text)}</td>`)}<td class="name">${plain(name)}</td><td>${times(compression.mean)}</td><td>${times(speedUp.mean)}</td><td>${scoreText(accuracy.mean)}</td><td>${accuracy.n < 2 ? "–" : `± ${significant(accuracy.sd, 2)}`}</td><td>${changeText(change.value)}${range}</td><td>${runs}</td></tr>`;
}

function table({ points, metric }: StudyReport): Markup | undefined {
  if (points.length === 0) return undefined;
  const rows = points.map((point) => pointRow(point, [percent(point.ratio, 0)]));
  return markup`<section><h2>All operating points</h2><details><summary>${points.length} points</summary>${grid(["Removed", ...POINT_HEADS(metric)], rows)}</details></section>`;
}

function failures({ runs }: StudyReport): Markup | undefined {
  const failed = runs.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return undefined;
  const rows = failed.map(
    ({ method, ratio, seed, error }) =>
      markup`<tr><td class="name">${plain(Object.values(method).join(" "))}</td><td>${percent(ratio, 0)}</td><td>${seed}</td><td class="name">${plain(error?.message ?? "", 600)}</td></tr>`,
  );
  return section(
    `Runs that failed: ${failed.length}`,
    "The next study into the same folder tries them again.",
    grid(["Run", "Removed", "Seed", "Why"], rows),
  );
}

function notes({ notes: list, runs }: StudyReport): Markup | undefined {
  const all = [...list, ...runs.flatMap(({ record }) => record?.notes ?? [])];
  const texts = [...new Set(all.map(({ text }) => text))];
  if (texts.length === 0) return undefined;
  return markup`<section><h2>Notes</h2><ul>${texts.slice(0, 200).map((text) => markup`<li>${plain(text, 600)}</li>`)}</ul></section>`;
}

const machine = ({ machine: { cpu, cores, memory, platform, runtime } }: StudyReport): string =>
  `${plain(cpu)}, ${cores} cores, ${bytes(memory)} memory, ${plain(platform)}, ${plain(runtime)}.`;

const section = (title: string, about: string, content: Markup): Markup =>
  markup`<section><h2>${plain(title)}</h2><p class="soft small">${plain(about, 300)}</p>${content}</section>`;

const grid = (heads: readonly string[], rows: readonly Markup[]): Markup =>
  markup`<div class="scroll"><table><thead><tr>${heads.map((head) => markup`<th scope="col">${plain(head)}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
