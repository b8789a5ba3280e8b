// The tables of docs/targets.md, between its marks: ratios by place, sizes and loading, fidelity, what falls back on WebGPU,
// and the targets' claims beside the figures.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { claims } from "./claims.js";
import { forms } from "./forms.js";
import { number, type Results, slower } from "./results.js";

/** Replaces what stands between the marks of the page; does nothing where there is no page. */
export function writeTables(path: string, results: Results): void {
  if (!existsSync(path)) return;
  const parts: Readonly<Record<string, string>> = {
    machine: machineOf(results),
    times: placesOf(results)
      .filter((place) => place !== "webgpu" || results.rows.some((row) => row.place === place && row.ratio))
      .map((place) => `### ${placeName(place)}\n\n${timesOf(results, place)}`)
      .join("\n\n"),
    webgpu: webgpuOf(results),
    loading: loadingOf(results),
    fidelity: fidelityOf(results),
    claims: claims(results),
  };
  let text = readFileSync(path, "utf8");
  for (const [name, part] of Object.entries(parts)) {
    const marks = new RegExp(`(<!-- ${name}:begin -->)[\\s\\S]*?(<!-- ${name}:end -->)`);
    text = text.replace(marks, (_, begin: string, end: string) => `${begin}\n\n${part}\n\n${end}`);
  }
  writeFileSync(path, text);
}

const placesOf = ({ rows }: Results) => [...new Set(rows.map(({ place }) => place))].sort();

function placeName(place: string): string {
  const [kind, threads] = place.split("-");
  const name = kind === "node" ? "Node" : kind === "wasm" ? "WASM in Chromium" : "WebGPU in Chromium";
  return threads === undefined ? name : `${name}, ${threads === "1" ? "1 thread" : `${threads} threads`}`;
}

function machineOf({ machine, models }: Results): string {
  const { cpu, cores, node, onnxruntimeNode, onnxruntimeWeb, python, chromium, adapter } = machine;
  return [
    `${cpu}, ${cores} cores; Node ${node.slice(1)} with onnxruntime-node ${onnxruntimeNode}; Chromium ${chromium} with`,
    `onnxruntime-web ${onnxruntimeWeb}, WebGPU adapter: ${adapter}; forms made by Python: ${python}.`,
    "",
    ...models.map(({ name, what, bytes }) => `- **${name}**: ${what}; ${(bytes / 1e6).toFixed(1)} MB`),
  ].join("\n");
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...lines.map(line)].join("\n");
}

const find = ({ rows }: Results, place: string, model: string, form: string) =>
  rows.find((row) => row.place === place && row.model === model && row.form === form);

/** Rows of a table: a form a line, without the forms that no column has. */
function byForm(models: readonly string[], cell: (model: string, form: string) => string): string {
  const lines = forms
    .map(({ id, label }) => [label, ...models.map((model) => cell(model, id))])
    .filter(([, ...cells]) => cells.some((text) => text !== ""));
  return table(["form", ...models], lines);
}

const names = ({ models }: Results) => models.map(({ name }) => name);

function timesOf(results: Results, place: string): string {
  const floats = names(results).map((model) => {
    const own = results.rows.filter((row) => row.place === place && row.model === model && row.floatMs !== undefined);
    const sorted = own.map(({ floatMs }) => floatMs!).sort((a, b) => a - b);
    return sorted.length === 0 ? "" : `${number(sorted[sorted.length >> 1]!)} ms`;
  });
  const cells = byForm(names(results), (model, form) => {
    const row = find(results, place, model, form);
    if (!row) return "";
    if (row.failed) return "fails";
    const text = `${number(row.ratio!)} (${number(row.low!)} to ${number(row.high!)})`;
    return slower(row) ? `**${text}**` : text;
  });
  const [head, rule, ...rest] = cells.split("\n");
  return [head, rule, `| float32 | ${floats.join(" | ")} |`, ...rest].join("\n");
}

function webgpuOf(results: Results): string {
  const models = names(results).filter((model) => find(results, "webgpu", model, "float32"));
  if (models.length === 0) return "No adapter was there.";
  return byForm(models, (model, form) => {
    const row = find(results, "webgpu", model, form);
    if (!row) return "";
    if (row.failed)
      return `fails: ${row.failed
        .replace(/^.*ERROR_MESSAGE: /, "")
        .replace(/\S*\/(core|contrib_ops)\//, "$1/")
        .slice(0, 120)
        .replaceAll("|", "/")}`;
    if (!row.onCpu) return "all on the GPU";
    const left = Object.entries(row.onCpu).map(([operator, count]) => `${count} ${operator}`);
    return `on the CPU: ${left.join(", ")}`;
  });
}

function loadingOf(results: Results): string {
  const loads = (place: string, model: string, form: string) => {
    const row = find(results, place, model, form);
    return row?.loadMs === undefined ? "-" : `${number(row.loadMs)}`;
  };
  const floats = names(results).map((model) => {
    const row = (place: string) =>
      results.rows.find((one) => one.place === place && one.model === model && one.floatLoadMs);
    const bytes = results.models.find(({ name }) => name === model)!.bytes;
    const [inNode, inWasm] = [row("node-1"), row("wasm-1")].map((one) => (one ? number(one.floatLoadMs!) : "-"));
    return `${(bytes / 1e6).toFixed(1)} MB; ${inNode}, ${inWasm}`;
  });
  const cells = byForm(names(results), (model, form) => {
    const bytes = results.rows.find((row) => row.model === model && row.form === form && row.place !== "webgpu")?.bytes;
    if (bytes === undefined) return "";
    return `${(bytes / 1e6).toFixed(1)} MB; ${loads("node-1", model, form)}, ${loads("wasm-1", model, form)}`;
  });
  const [head, rule, ...rest] = cells.split("\n");
  return [head, rule, `| float32 | ${floats.join(" | ")} |`, ...rest].join("\n");
}

function fidelityOf(results: Results): string {
  const decibels = (place: string, model: string, form: string) => {
    const row = find(results, place, model, form);
    if (row?.sqnrDb === undefined) return "-";
    return row.sqnrDb === null ? "equal" : row.sqnrDb === -999 ? "NaN" : row.sqnrDb.toFixed(0);
  };
  return byForm(names(results), (model, form) => {
    const all = ["node-1", "wasm-1", "webgpu"].map((place) => decibels(place, model, form));
    return all.every((text) => text === "-") ? "" : all.join(" / ");
  });
}
