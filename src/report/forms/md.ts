// Markdown: for pull requests, model cards and CI logs. GitHub's dialect.

import type { Report } from "../../metrics/report.js";
import { type Cell, factRows } from "../facts.js";
import { defineForm } from "../form.js";
import { agreement, cosine, percent, plain, significant } from "../format.js";
import { headline, modelName } from "../headline.js";
import { layerText, shownLayers } from "../layers.js";
import { allNotes, noteGroups } from "../notes.js";
import { aboutData, aboutMachine, aboutTraining, METHOD } from "../sentences.js";

export const md = defineForm({
  name: "md",
  summary: "Markdown, for pull requests and model cards",
  extensions: ["md", "markdown"],
  async render(report) {
    const title = report.title ?? `${modelName(report.models[0]!)}, compressed`;
    const { text, caution } = aboutData(report);
    const parts = [
      `# ${escaped(title)}`,
      figures(report),
      caution ? `> **Synthetic inputs.** ${escaped(text)}` : escaped(text),
      comparison(report),
      training(report),
      explained(report),
      ...(report.tables ?? []).map((extra) => `## ${escaped(extra.title)}\n\n${grid(extra.columns, extra.rows)}`),
      outputs(report),
      layers(report),
      notes(report),
      `## How it was measured\n\n${[aboutMachine(report), ...METHOD].map((line) => `- ${escaped(line)}`).join("\n")}`,
      `Made by pare ${escaped(report.pare)}.`,
    ];
    return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
  },
});

function figures(report: Report): string {
  const head = headline(report);
  if (!head) return "";
  return head.figures
    .map(({ value, label, detail }) => `**${value} ${escaped(label)}** (${escaped(detail)})`)
    .join(" · ");
}

function comparison(report: Report): string {
  const columns = ["", ...report.models.map(modelName)];
  return grid(
    columns,
    factRows(report).map(({ title, cells }) => [title, ...cells.map(cellText)]),
  );
}

const cellText = (cell: Cell | undefined): string | null => {
  if (!cell) return null;
  const extras = [cell.detail, cell.change].filter((text) => text !== undefined);
  return extras.length === 0 ? cell.text : `${cell.text} (${extras.join("; ")})`;
};

/** Looks at the held-out part that are listed: the first ones and the last, with what lies between left out evenly. */
const LOOKS = 20;

function training({ training: run }: Report): string {
  if (run === undefined) return "";
  const looks = run.points.filter(({ heldOutLoss, metric }) => heldOutLoss !== null || metric !== null);
  const every = Math.max(1, Math.ceil(looks.length / LOOKS));
  const shown = looks.filter((_, at) => (looks.length - 1 - at) % every === 0);
  const digits = (value: number | null) => (value === null ? null : significant(value, 4));
  const rows = shown.map((point) => [
    point.step,
    digits(point.loss),
    digits(point.heldOutLoss),
    ...(run.metric === null ? [] : [digits(point.metric)]),
  ]);
  const heads = ["Update", "Loss", "Held-out loss", ...(run.metric === null ? [] : [run.metric])];
  return `## Training\n\n${escaped(aboutTraining(run))}${rows.length === 0 ? "" : `\n\n${grid(heads, rows)}`}`;
}

function outputs(report: Report): string {
  const rows = report.models.flatMap((row) =>
    (row.fidelity?.outputs ?? []).map((output) => [
      modelName(row),
      output.name,
      output.cosine === null ? null : cosine(output.cosine),
      output.maxAbs === 0 ? "no error" : output.sqnrDb === null ? null : `${output.sqnrDb.toFixed(1)} dB`,
      output.maxAbs === null ? null : significant(output.maxAbs, 3),
      output.agreement === null ? null : agreement(output.agreement, row.fidelity?.samples),
    ]),
  );
  if (rows.length === 0) return "";
  return `## Error of each output\n\n${grid(["Model", "Output", "Cosine", "SQNR", "Largest error", "Same top class"], rows)}`;
}

/** The worst layers; the JSON and HTML forms have them all. */
const HARMFUL = 12;

function explained({ explained: rows = [] }: Report): string {
  if (rows.length === 0) return "";
  const decibels = (value: number | null | undefined) =>
    value === undefined ? null : value === null ? "exact" : `${value.toFixed(1)} dB`;
  const lines = rows
    .slice(0, HARMFUL)
    .map((row) => [
      row.layer,
      row.operator,
      percent(row.share),
      decibels((row.weights ?? row.together)?.outputDb),
      decibels(row.activations?.outputDb),
      decibels(row.withoutDb),
      row.reason === "" ? null : row.suggestion === "" ? row.reason : `${row.reason}; ${row.suggestion}`,
    ]);
  const heads = ["Layer", "Operator", "Share", "Only its weights", "Only its activations", "All but it", "Why"];
  return `## What each layer loses\n\n${grid(heads, lines)}`;
}

function layers(report: Report): string {
  const shown = shownLayers(report);
  if (shown.length === 0) return "";
  const rows = shown.map((layer) => [
    layer.name,
    layer.op,
    ...layer.bytes.map((_, index) => {
      const text = layerText(layer, index);
      return text ? (text.sent ? `${text.raw} (${text.sent})` : text.raw) : null;
    }),
  ]);
  return `## Weights by layer\n\n${grid(["Layer", "Operator", ...report.models.map(modelName)], rows)}`;
}

function notes(report: Report): string {
  const groups = noteGroups(allNotes(report));
  if (groups.length === 0) return "";
  const lines = groups.flatMap(({ level, notes: list }) => {
    const shown = list.slice(0, 5).map(({ node, text }) => {
      const where = node === undefined ? "" : `${escaped(node)}: `;
      return `- ${level === "warning" ? "**Warning.** " : ""}${where}${escaped(text)}`;
    });
    return list.length > shown.length ? [...shown, `- … and ${list.length - shown.length} more like this.`] : shown;
  });
  return `## Notes\n\n${lines.join("\n")}`;
}

function grid(columns: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const line = (cells: readonly (string | number | null)[]) =>
    `| ${cells.map((cell) => (cell === null ? "–" : escaped(String(cell)))).join(" | ")} |`;
  return [
    line(columns),
    `|${columns.map((_, index) => (index === 0 ? " --- |" : " ---: |")).join("")}`,
    ...rows.map(line),
  ].join("\n");
}

/** Every character that Markdown or the HTML in it could take for its own; also of links that are only text. */
const escaped = (text: string): string =>
  plain(text, 400)
    .replace(/[\\`*_[\]<>#|~!]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/:\/\//g, ":\\/\\/")
    .replace(/@/g, "&#64;");
