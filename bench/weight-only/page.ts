// The tables of docs/weight-only.md, between the two marks.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../measured.js";

export interface Row {
  readonly bits: number;
  readonly who: "pare" | "onnxruntime";
  readonly method: string;
  /** int: symmetric; uint: with zero points. */
  readonly format: "int" | "uint";
  readonly bytes?: number;
  /** Score on the part that methods are chosen by, and on the other. */
  readonly choose?: number;
  readonly measure?: number;
  readonly seconds?: number;
  readonly peak?: number | undefined;
  /** The reason, in its own words. */
  readonly failed?: string;
}

export interface Result {
  readonly model: string;
  readonly metric: "perplexity" | "accuracy";
  readonly block: number;
  readonly fitted: number;
  /** Tokens or samples scored. */
  readonly counts: { readonly choose: number; readonly measure: number };
  readonly float: { readonly choose: number; readonly measure: number };
  readonly versions?: string | undefined;
  readonly rows: readonly Row[];
}

const START = "<!-- bench/weight-only.ts: tables -->";
const END = "<!-- end of tables -->";

export function writePage(results: readonly Result[]): void {
  const text = results.map(tables).join("\n");
  const page = join(repository, "docs/weight-only.md");
  const before = existsSync(page) ? readFileSync(page, "utf8") : "";
  const [from, to] = [before.indexOf(START), before.indexOf(END)];
  if (from >= 0 && to > from) {
    writeFileSync(page, `${before.slice(0, from + START.length)}\n\n${text}\n${before.slice(to)}`);
  }
  console.log(text);
}

function tables({ model, metric, rows, counts, float, versions, fitted, block }: Result): string {
  const better = (a: number, b: number) => (metric === "perplexity" ? a < b : a > b);
  const shown = (value: number) => (metric === "perplexity" ? value.toFixed(3) : (100 * value).toFixed(2));
  const lines = [`### ${model}: ${metric === "perplexity" ? "perplexity" : "accuracy in percent"}`, ""];
  const unit = metric === "perplexity" ? "tokens" : "samples";
  const onnxruntime = versions ? ` Peers: ${versions}.` : "";
  lines.push(
    `Float: ${shown(float.choose)} on the part to choose by (${counts.choose} ${unit}), ${shown(float.measure)} on the part to measure on (${counts.measure}). Fitted to ${fitted} samples, blocks of ${block}, products only.${onnxruntime}`,
  );
  for (const bits of [...new Set(rows.map((row) => row.bits))].sort((a, b) => b - a)) {
    const own = rows.filter((row) => row.bits === bits);
    const done = own.filter((row) => row.choose !== undefined);
    const best = (who: Row["who"]) =>
      done
        .filter((row) => row.who === who)
        .reduce<Row | undefined>((a, b) => (a === undefined || better(b.choose!, a.choose!) ? b : a), undefined);
    const chosen = [best("pare"), best("onnxruntime")];
    lines.push("", `**${bits} bits**`, "", "| by | method | codes | choose | measure | bytes | seconds | peak MB |");
    lines.push("|---|---|---|---:|---:|---:|---:|---:|");
    for (const row of own) {
      const name = `${row.method}${chosen.includes(row) ? " (chosen)" : ""}`;
      const codes = row.format === "int" ? "symmetric" : "zero points";
      if (row.failed !== undefined) lines.push(`| ${row.who} | ${name} | ${codes} | refused: ${row.failed} | | | | |`);
      else {
        const cells = [shown(row.choose!), shown(row.measure!), row.bytes, row.seconds?.toFixed(1)];
        const peak = row.peak === undefined ? "" : (row.peak / 2 ** 20).toFixed(0);
        lines.push(`| ${row.who} | ${name} | ${codes} | ${cells.join(" | ")} | ${peak} |`);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}
