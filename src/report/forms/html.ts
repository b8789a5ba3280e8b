// HTML: one page that needs nothing else. No script, no reference to the network; a content security policy says so too.

import type { Report } from "../../metrics/report.js";
import { type Cell, factRows } from "../facts.js";
import { defineForm } from "../form.js";
import { agreement, bytes, cosine, percent, plain, significant } from "../format.js";
import { headline, modelName } from "../headline.js";
import { layerText, shownLayers } from "../layers.js";
import { Markup, html as markup } from "../markup.js";
import { allNotes, type NoteGroup, noteGroups } from "../notes.js";
import { page } from "../page.js";
import { aboutData, aboutMachine, aboutTraining, METHOD } from "../sentences.js";
import { LINES } from "../training-lines.js";

type Charts = typeof import("../charts.js");
type TrainingChart = typeof import("../training-chart.js");

export const html = defineForm({
  name: "html",
  summary: "one self-contained page with charts",
  extensions: ["html", "htm"],
  async render(report) {
    const charts = await import("../charts.js");
    const { trainingChart } = await import("../training-chart.js");
    const title = plain(report.title ?? modelName(report.models[0]!));
    const body = markup`${figures(report)}
${caution(report)}
<section><h2>Before and after</h2>${comparison(report, charts)}</section>
${pair(report, charts)}
${training(report, trainingChart)}
${explained(report, charts)}${(report.tables ?? []).map(extraTable)}
${outputs(report, charts)}
${layers(report, charts)}
${notes(report)}
${footer(report)}`;
    return page({ title, version: report.pare, head: subtitle(report), body }).text;
  },
});

function subtitle(report: Report): Markup {
  const { text, caution: synthetic } = aboutData(report);
  const others = report.models.slice(1).map((row) => plain(modelName(row)));
  const against = others.length === 0 ? "" : `Compared with ${others.join(", ")}. `;
  return markup`<p class="soft">${against}${synthetic ? "" : text}</p>`;
}

function caution(report: Report): Markup | undefined {
  const { text, caution: shown } = aboutData(report);
  return shown ? markup`<div class="caution"><b>Synthetic inputs</b>${text}</div>` : undefined;
}

function figures(report: Report): Markup | undefined {
  const head = headline(report);
  if (!head) return undefined;
  const cards = head.figures.map(
    ({ value, label, detail }) =>
      markup`<div class="figure"><b>${value}</b><span class="label">${label}</span><span class="detail">${detail}</span></div>`,
  );
  return markup`<div class="figures">${cards}</div>`;
}

function comparison(report: Report, { colour }: Charts): Markup {
  const heads = report.models.map(
    (row, index) =>
      markup`<th scope="col" title="${plain(row.path, 400)}"><span class="swatch" style="background:${colour(index)}"></span>${plain(modelName(row), 36)}</th>`,
  );
  let group = "";
  const rows = factRows(report).map((row) => {
    const head =
      row.group === group
        ? undefined
        : markup`<tr class="group"><th scope="rowgroup" colspan="${report.models.length + 1}">${row.group}</th></tr>`;
    group = row.group;
    return markup`${head}<tr><th scope="row">${row.title}</th>${row.cells.map(comparisonCell)}</tr>`;
  });
  return markup`<div class="scroll"><table><thead><tr><th></th>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function comparisonCell(cell: Cell | undefined, index: number): Markup {
  const blank = index > 0 ? NO_CHIP : undefined;
  if (!cell) return markup`<td class="soft">–${blank}</td>`;
  const chip = cell.change === undefined ? blank : markup`<span class="chip ${cell.tone ?? ""}">${cell.change}</span>`;
  const detail = cell.detail === undefined ? undefined : markup`<small>${cell.detail}${blank}</small>`;
  return markup`<td>${cell.text}${chip}${detail}</td>`;
}

/** Keeps the numbers of a column under each other where there is no change to show. */
const NO_CHIP = new Markup('<span class="chip none"></span>');

function pair(report: Report, charts: Charts): Markup {
  const latency = charts.latencyChart(report);
  const size = markup`<section><h2>Size</h2>${legend(report, charts)}<figure>${new Markup(charts.sizeChart(report))}</figure></section>`;
  if (latency === "") return size;
  return markup`<div class="pair">${size}<section><h2>Latency</h2><p class="soft small">Median of the runs, with quartiles.</p><figure>${new Markup(latency)}</figure></section></div>`;
}

function legend(report: Report, { colour }: Charts): Markup {
  const entries = report.models.map(
    (row, index) =>
      markup`<span><span class="swatch" style="background:${colour(index)}"></span>${plain(modelName(row), 48)}</span>`,
  );
  return markup`<div class="legend">${entries}</div>`;
}

function training({ training: run }: Report, chart: TrainingChart["trainingChart"]): Markup | undefined {
  if (run === undefined) return undefined;
  const drawn = chart(run);
  const looks = run.points.filter(({ heldOutLoss, metric }) => heldOutLoss !== null || metric !== null);
  const body = looks.map(
    ({ step, loss, heldOutLoss, metric }) =>
      markup`<tr><th scope="row">${step}</th>${[loss, heldOutLoss, metric].map((value) => markup`<td>${value === null ? "–" : significant(value, 4)}</td>`)}</tr>`,
  );
  const heads = ["Update", "Loss", "Held-out loss", run.metric === null ? "" : plain(run.metric, 40)];
  const table =
    looks.length === 0
      ? undefined
      : markup`<details><summary>Every look at the held-out part</summary><div class="scroll"><table><thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead><tbody>${body}</tbody></table></div></details>`;
  return markup`<section><h2>Training</h2><p class="soft small">${aboutTraining(run)}</p><div class="legend">${LINES.map(({ title, fill }) => markup`<span><span class="swatch" style="background:${fill}"></span>${title}</span>`)}</div>${
    drawn === "" ? undefined : markup`<figure>${new Markup(drawn)}</figure>`
  }${table}</section>`;
}

function extraTable({ title, columns, rows }: NonNullable<Report["tables"]>[number]): Markup {
  const body = rows.map(
    (row) =>
      markup`<tr>${row.map((value, index) => (index === 0 ? markup`<th scope="row">${cellText(value)}</th>` : markup`<td>${cellText(value)}</td>`))}</tr>`,
  );
  const heads = columns.map((column) => markup`<th scope="col">${plain(column)}</th>`);
  return markup`<section><h2>${plain(title)}</h2><div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table></div></section>`;
}

const cellText = (value: string | number | null): string => (value === null ? "–" : plain(String(value), 200));

function outputs(report: Report, charts: Charts): Markup | undefined {
  const rows = report.models.flatMap((row, index) =>
    (row.fidelity?.outputs ?? []).map(
      (output) =>
        markup`<tr><td class="name"><span class="swatch" style="background:${charts.colour(index)}"></span>${plain(output.name, 60)}</td><td>${
          output.cosine === null ? "–" : cosine(output.cosine)
        }</td><td>${output.maxAbs === 0 ? "no error" : output.sqnrDb === null ? "–" : `${output.sqnrDb.toFixed(1)} dB`}</td><td>${
          output.maxAbs === null ? "–" : significant(output.maxAbs, 3)
        }</td><td>${output.agreement === null ? "–" : agreement(output.agreement, row.fidelity?.samples)}</td></tr>`,
    ),
  );
  if (rows.length === 0) return undefined;
  const chart = charts.outputChart(report);
  return markup`<section><h2>Error of each output</h2><p class="soft small">The dashed line is at 20 dB: an error of a tenth of the signal.</p>${legend(report, charts)}${
    chart === "" ? undefined : markup`<figure>${new Markup(chart)}</figure>`
  }<div class="scroll"><table><thead><tr><th scope="col">Output</th><th scope="col">Cosine</th><th scope="col">SQNR</th><th scope="col">Largest error</th><th scope="col">Same top class</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function explained(report: Report, charts: Charts): Markup | undefined {
  const { explained: rows = [] } = report;
  if (rows.length === 0) return undefined;
  const there = charts.EXPLAINED_PARTS.filter(({ key }) => rows.some((row) => row[key] !== null));
  const legend = there.map(
    ({ title, fill }) => markup`<span><span class="swatch" style="background:${fill}"></span>${title}</span>`,
  );
  const chart = charts.explainedChart(report);
  const body = rows.map(
    (row) =>
      markup`<tr><td class="name">${plain(row.layer, 60)}<small>${plain(row.operator, 40)}</small></td><td>${percent(row.share)}</td>${there.map(
        ({ key }) => markup`<td>${row[key] === null ? "–" : decibels(row[key].outputDb)}</td>`,
      )}<td>${decibels(row.withoutDb)}</td><td>${decibels(row.resultDb)}</td><td class="name">${plain(row.reason, 300)}<small>${plain(row.suggestion, 300)}</small></td></tr>`,
  );
  const heads = ["Layer", "Share", ...there.map(({ title }) => `Only its ${title}`), "All but it", "Its result", "Why"];
  return markup`<section><h2>What each layer loses</h2><p class="soft small">Part of the error of the outputs that each layer makes when only it is rounded. Decibels: signal over error of the outputs; of the result, of the layer itself in the compressed model.</p><div class="legend">${legend}</div>${
    chart === "" ? undefined : markup`<figure>${new Markup(chart)}</figure>`
  }<details><summary>All layers, with reasons</summary><div class="scroll"><table><thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead><tbody>${body}</tbody></table></div></details></section>`;
}

const decibels = (value: number | null): string => (value === null ? "exact" : `${value.toFixed(1)} dB`);

function layers(report: Report, charts: Charts): Markup | undefined {
  if (shownLayers(report).length === 0) return undefined;
  const totals = report.models.map((_, index) =>
    (report.layers ?? []).reduce((sum, layer) => sum + (layer.bytes[index] ?? 0), 0),
  );
  return markup`<section><h2>Weights by layer</h2><p class="soft small">Bytes in the file, in graph order; ${totals.map(bytes).join(" → ")} in all.</p>${legend(report, charts)}<figure>${new Markup(charts.layerChart(report))}</figure>${layerTable(report, charts)}</section>`;
}

/** Each layer's bytes as they stand and compressed, where they were measured. */
function layerTable(report: Report, { colour }: Charts): Markup | undefined {
  const shown = shownLayers(report);
  if (!shown.some(({ transfer }) => transfer)) return undefined;
  const heads = report.models.map(
    (row, index) =>
      markup`<th scope="col"><span class="swatch" style="background:${colour(index)}"></span>${plain(modelName(row), 36)}</th>`,
  );
  const rows = shown.map((layer) => {
    const cells = report.models.map((_, index) => {
      const text = layerText(layer, index);
      return text ? markup`<td>${text.raw}<small>${text.sent ?? ""}</small></td>` : markup`<td class="soft">–</td>`;
    });
    return markup`<tr><td class="name">${plain(layer.name, 60)}</td>${cells}</tr>`;
  });
  return markup`<details><summary>Bytes of each layer, as they stand and compressed</summary><div class="scroll"><table><thead><tr><th scope="col">Layer</th>${heads}</tr></thead><tbody>${rows}</tbody></table></div></details>`;
}

function notes(report: Report): Markup | undefined {
  const groups = noteGroups(allNotes(report));
  return groups.length === 0 ? undefined : markup`<section><h2>Notes</h2>${groups.map(noteGroup)}</section>`;
}

const LISTED = 500;

function noteGroup({ level, notes: list }: NoteGroup): Markup {
  const mark = markup`<span class="mark ${level}">${level === "warning" ? "warning" : "note"}</span>`;
  const line = ({ node, text }: NoteGroup["notes"][number]) =>
    markup`${node === undefined ? undefined : markup`<code>${plain(node, 80)}</code> `}${plain(text, 600)}`;
  if (list.length === 1) return markup`<div class="note">${mark}${line(list[0]!)}</div>`;
  const items = list.slice(0, LISTED).map((note) => markup`<li>${line(note)}</li>`);
  const more = list.length > LISTED ? markup`<li>… and ${list.length - LISTED} more</li>` : undefined;
  return markup`<details><summary>${mark}${plain(list[0]!.text, 600)} <span class="tally">and ${list.length - 1} more</span></summary><ul>${items}${more}</ul></details>`;
}

function footer(report: Report): Markup {
  return markup`<footer><ul><li>${aboutMachine(report)}</li>${METHOD.map((line) => markup`<li>${line}</li>`)}</ul><p>Made by pare ${plain(report.pare)}.</p></footer>`;
}
