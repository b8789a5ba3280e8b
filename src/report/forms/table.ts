// The terminal form: one row a fact, one column a model.

import Table from "cli-table3";
import pc from "picocolors";
import type { Report } from "../../metrics/report.js";
import { BORDERLESS } from "../borderless.js";
import { type Cell, factRows } from "../facts.js";
import { defineForm } from "../form.js";
import { plain } from "../format.js";
import { modelName } from "../headline.js";
import { aboutData } from "../sentences.js";

export const table = defineForm({
  name: "table",
  summary: "a table for the terminal",
  extensions: [],
  async render(report) {
    const parts = [comparison(report)];
    for (const extra of report.tables ?? []) {
      const made = new Table({ head: extra.columns.map((column) => pc.dim(plain(column))), ...BORDERLESS });
      for (const row of extra.rows) made.push(row.map((value) => (value === null ? "–" : plain(String(value)))));
      parts.push(`${pc.bold(plain(extra.title))}\n${made.toString()}`);
    }
    const { text, caution } = aboutData(report);
    parts.push(caution ? pc.yellow(text) : pc.dim(text));
    return parts.join("\n\n");
  },
});

function comparison(report: Report): string {
  const names = report.models.map((row) => pc.bold(plain(modelName(row), 40)));
  const made = new Table({ head: ["", ...names], ...BORDERLESS });
  let group = "";
  for (const row of factRows(report)) {
    // A gap of one line between groups reads better than rules.
    if (group !== "" && group !== row.group) made.push(["", ...names.map(() => "")]);
    group = row.group;
    made.push([pc.dim(row.title), ...row.cells.map(cellText)]);
  }
  return made.toString();
}

function cellText(cell: Cell | undefined): string {
  if (!cell) return pc.dim("–");
  const paint = cell.tone === "good" ? pc.green : cell.tone === "bad" ? pc.red : pc.dim;
  const detail = cell.detail === undefined ? "" : pc.dim(` (${cell.detail})`);
  return `${cell.text}${detail}${cell.change === undefined ? "" : `  ${paint(cell.change)}`}`;
}
