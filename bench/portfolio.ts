// What each form costs and keeps on real trained models with labelled data: size, transfer, latency and accuracy, paired
// with the original on the same samples. Writes bench/results/portfolio.json and prints the table of the README.
//   npx tsx bench/portfolio.ts [--models squeezenet1.1,agnews-transformer] [--limit 1000]

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  compress,
  load,
  type Model,
  type ModelReport,
  measure,
  type Recipe,
  type RecipeStep,
  type Report,
} from "../src/index.js";
import { portfolioModels } from "../tests/support/portfolio.js";
import { keyOf, portfolioData } from "../tests/support/portfolio-data.js";

const step = (options: Omit<Extract<RecipeStep, { method: "quantize" }>, "method">): Recipe => [
  { method: "clean" },
  { method: "quantize", ...options },
];
const forms: Readonly<Record<string, { readonly recipe: Recipe; readonly target?: string }>> = {
  "float16 stored": { recipe: step({ weights: "float16", compute: "stored" }) },
  "int8 self-extracting": { recipe: step({ weights: "int8", form: "extract" }) },
  "uint8 blocks self-extracting": { recipe: step({ weights: "uint8", form: "extract", granularity: "block" }) },
  "int8 dynamic": { recipe: step({ weights: "int8", activations: "dynamic" }) },
  "uint4 self-extracting": { recipe: step({ weights: "uint4", form: "extract" }) },
  "int4 MatMulNBits": { recipe: step({ weights: "int4", form: "native" }), target: "node" },
};

const { values } = parseArgs({ options: { models: { type: "string" }, limit: { type: "string" } } });
const wanted = values.models?.split(",");
const limit = values.limit === undefined ? undefined : Number(values.limit);
const here = fileURLToPath(new URL(".", import.meta.url));
const file = join(here, "results/portfolio.json");
// Models that are not run this time keep what was found before.
const results = new Map<string, Report>(
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Report[]).map((report) => [report.title!, report]) : [],
);

for (const path of portfolioModels()) {
  const name = keyOf(path);
  const data = portfolioData(path);
  if (wanted && !wanted.includes(name)) continue;
  const original = await load(path);
  const made: { readonly label: string; readonly model: Model }[] = [];
  for (const [label, { recipe, target }] of Object.entries(forms)) {
    const { model } = await compress(original, recipe, { data, target });
    made.push({ label, model });
  }
  const report = await measure([original, ...made.map(({ model }) => model)], {
    data,
    limit,
    metrics: ["size", "transfer", "latency", "fidelity", "accuracy"],
    latencyBudgetMs: 1000,
  });
  const result = {
    ...report,
    title: name,
    // The figures alone: notes name files of this machine.
    notes: [],
    layers: [],
    models: report.models.map((row, i) => ({ ...row, path: name, label: made[i - 1]?.label ?? "float32" })),
  };
  results.set(name, result);
  console.log(table(result));
  mkdirSync(join(here, "results"), { recursive: true });
  writeFileSync(file, `${JSON.stringify([...results.values()], null, 2)}\n`);
  writeReadme(join(here, "../README.md"));
}

/** The README's table: one row a model, one column a form, between the two marks. */
function writeReadme(path: string): void {
  const shown = [
    "float16 stored",
    "int8 self-extracting",
    "uint8 blocks self-extracting",
    "int8 dynamic",
    "uint4 self-extracting",
  ];
  const rows = [...results.values()].map(({ title, models, data }) => {
    const [reference] = models;
    const cells = shown.map((form) => cell(models.find(({ label }) => label === form)!, reference!));
    const score = reference!.accuracy;
    const about = score ? `${score.metric} ${number(score)}, n ${score.samples}` : `${data.samples} synthetic inputs`;
    return `| ${title}, ${(reference!.bytes / 1e6).toFixed(2)} MB (${about}) | ${cells.join(" | ")} |`;
  });
  const text = [`| model | ${shown.join(" | ")} |`, `|---|${shown.map(() => "---").join("|")}|`, ...rows].join("\n");
  const readme = readFileSync(path, "utf8");
  const marks = /(<!-- results:begin -->)[\s\S]*?(<!-- results:end -->)/;
  writeFileSync(path, readme.replace(marks, `$1\n\n${text}\n\n$2`));
}

function cell(row: ModelReport, reference: ModelReport): string {
  const size = `${(reference.bytes / row.bytes).toFixed(2)}x`;
  const difference = row.accuracy?.difference;
  if (!difference) return `${size}; ${row.fidelity?.sqnrDb?.toFixed(0) ?? "exact"} dB`;
  const scale = row.accuracy?.metric === "top-1" ? 100 : 1;
  const [value, low, high] = [difference.value, difference.low, difference.high].map((x) => signed(x * scale, 2));
  return `${size}; ${value} [${low}, ${high}]`;
}

function number({ metric, value }: { readonly metric: string; readonly value: number }): string {
  return metric === "top-1" ? `${(value * 100).toFixed(2)} %` : value.toFixed(3);
}

function table({ title, data, models }: Report): string {
  const lines = [
    `\n**${title}** (${data.name}, ${data.samples} samples)\n`,
    "| form | bytes | smaller | brotli | time | score | difference (95%) | SQNR |",
    "|---|---|---|---|---|---|---|---|",
  ];
  for (const row of models) {
    const { accuracy, fidelity } = row;
    const difference = accuracy?.difference;
    lines.push(
      `| ${[
        row.label,
        row.bytes,
        `${(models[0]!.bytes / row.bytes).toFixed(2)}x`,
        row.transfer.brotli ?? "-",
        row.latencyRatio === null ? "-" : `${row.latencyRatio.toFixed(2)}x`,
        accuracy ? `${accuracy.metric} ${accuracy.value.toFixed(4)}` : "-",
        difference ? `${signed(difference.value)} [${signed(difference.low)}, ${signed(difference.high)}]` : "-",
        fidelity?.sqnrDb == null ? "-" : `${fidelity.sqnrDb.toFixed(1)} dB`,
      ].join(" | ")} |`,
    );
  }
  return lines.join("\n");
}

function signed(value: number, digits = 4): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(digits)}`;
}
