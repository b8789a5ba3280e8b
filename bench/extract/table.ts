// The figures of the proof: their file, and the tables that are made of them.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { repository } from "../measured.js";
import type { Loaded, Place } from "./child.js";

export interface ExtractRow {
  readonly place: Place;
  readonly operator: string;
  readonly format: string;
  readonly floatBytes: number;
  readonly bytes?: number;
  readonly ms?: number | undefined;
  readonly floatMs?: number | undefined;
  /** Time of the form over the mean of the float runs before and after it: median and quartiles of the rounds. */
  readonly ratio?: number | undefined;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly rounds?: number | undefined;
  /** Of the output against float; null: equal. */
  readonly sqnrDb?: number | null;
  readonly load?: { readonly float: Loaded; readonly form: Loaded };
  /** Why pare does not offer it. */
  readonly refused?: string;
  readonly failed?: string;
}

/** Latency against float that is still no cost: the clock's own noise is of that size. */
const BAR = 1.05;
const file = join(repository, "bench/results/extract.json");

export const keyOf = ({ place, operator, format }: Pick<ExtractRow, "place" | "operator" | "format">): string =>
  `${place} ${operator} ${format}`;

export const readExtract = (): ExtractRow[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { readonly rows: ExtractRow[] }).rows : [];

export function writeExtract(rows: readonly ExtractRow[]): void {
  const short = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(5)) : value);
  const version = (name: string): string =>
    JSON.parse(readFileSync(join(repository, "node_modules", name, "package.json"), "utf8")).version;
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    node: process.version,
    runtimes: { cpu: version("onnxruntime-node"), wasm: version("onnxruntime-web") },
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine, rows }, short, 1)}\n`);
}

/** Latency ratios, one row a format and one column an operator: the CPU's figure, then WASM's. */
export function latencyTable(rows: readonly ExtractRow[]): string {
  const operators = [...new Set(rows.map(({ operator }) => operator))];
  const formats = [...new Set(rows.map(({ format }) => format))];
  const at = (place: Place, operator: string, format: string) =>
    rows.find((row) => row.place === place && row.operator === operator && row.format === format);
  const cell = (row: ExtractRow | undefined) => {
    if (row === undefined) return "-";
    if (row.ratio === undefined) return row.refused === undefined ? "failed" : "not offered";
    return row.ratio > BAR ? `**${row.ratio.toFixed(2)}**` : row.ratio.toFixed(2);
  };
  return [
    `| format | ${operators.join(" | ")} |`,
    `|---|${operators.map(() => "---").join("|")}|`,
    ...formats.map(
      (format) =>
        `| ${format} | ${operators
          .map((operator) => `${cell(at("cpu", operator, format))}, ${cell(at("wasm", operator, format))}`)
          .join(" | ")} |`,
    ),
  ].join("\n");
}

/** What is over the bar, in words: with its quartiles, which say how sure that is. */
export function overBar(rows: readonly ExtractRow[]): string {
  const timed = rows.filter(({ ratio }) => ratio !== undefined);
  const over = timed.filter(({ ratio }) => ratio! > BAR);
  const sure = over.filter(({ low }) => low! > BAR);
  const worst = over.map(
    ({ place, operator, format, ratio, low, high }) =>
      `${format} under ${operator} on ${place === "cpu" ? "the CPU" : "WASM"}: ${ratio!.toFixed(2)} [${low!.toFixed(2)}, ${high!.toFixed(2)}]`,
  );
  const all = `${timed.length - over.length} of ${timed.length} medians are at most ${BAR}`;
  return worst.length === 0
    ? `All ${timed.length} medians are at most ${BAR}.`
    : `${all}; of ${sure.length} of the others the lower quartile is above it too: ${worst.join("; ")}.`;
}

/** Load time and peak memory, beside float. */
export function loadTable(rows: readonly ExtractRow[]): string {
  const loaded = rows.filter(({ load }) => load);
  const formats = [...new Set(loaded.map(({ format }) => format))];
  const cells = (place: Place, format: string) => {
    const row = loaded.find((each) => each.place === place && each.format === format);
    if (!row?.load) return ["-", "-"];
    const { float, form } = row.load;
    return [
      `${Math.round(form.loadMs)} (${(form.loadMs / float.loadMs).toFixed(1)}x)`,
      `${Math.round(form.peakBytes / 1e6)} (${(form.peakBytes / float.peakBytes).toFixed(1)}x)`,
    ];
  };
  const bytes = (format: string) => loaded.find((row) => row.format === format)?.bytes ?? 0;
  return [
    "| format | MB in the file | CPU: load, ms | peak, MB | WASM: load, ms | peak, MB |",
    "|---|---|---|---|---|---|",
    ...formats.map(
      (format) =>
        `| ${[format, (bytes(format) / 1e6).toFixed(2), ...cells("cpu", format), ...cells("wasm", format)].join(" | ")} |`,
    ),
  ].join("\n");
}
