// What each form costs and keeps on real trained models with labelled data: size, transfer, latency and accuracy, paired
// with the original on the same samples. Writes bench/results/portfolio.json and prints the table of the README.
//   npx tsx bench/portfolio.ts [--models squeezenet1.1,agnews-transformer] [--limit 1000]

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compress, load, measure, type Recipe, type Report } from "../src/index.js";
import { portfolioModels } from "../tests/support/portfolio.js";
import { keyOf, portfolioData } from "../tests/support/portfolio-data.js";

const forms: Readonly<Record<string, { readonly recipe: Recipe; readonly target?: string }>> = {
  "float16 stored": { recipe: [{ method: "clean" }, { method: "quantize", weights: "float16", compute: "stored" }] },
  "float16 compute": { recipe: [{ method: "clean" }, { method: "quantize", weights: "float16" }] },
  "int8 self-extracting": { recipe: [{ method: "clean" }, { method: "quantize", weights: "int8", form: "extract" }] },
  "int8 dynamic": { recipe: [{ method: "clean" }, { method: "quantize", weights: "int8", activations: "dynamic" }] },
  "uint4 self-extracting": { recipe: [{ method: "clean" }, { method: "quantize", weights: "uint4", form: "extract" }] },
  "int4 blocks (MatMulNBits)": {
    recipe: [{ method: "clean" }, { method: "quantize", weights: "int4", form: "native" }],
    target: "node",
  },
};

const { values } = parseArgs({ options: { models: { type: "string" }, limit: { type: "string" } } });
const wanted = values.models?.split(",");
const limit = values.limit === undefined ? undefined : Number(values.limit);
const results: Report[] = [];

for (const path of portfolioModels()) {
  const name = keyOf(path);
  const data = portfolioData(path);
  if (wanted ? !wanted.includes(name) : data === undefined) continue;
  const original = await load(path);
  const made = [];
  for (const [label, { recipe, target }] of Object.entries(forms)) {
    const { model } = await compress(original, recipe, { data, ...(target ? { target } : {}) });
    made.push({ label, model });
  }
  const report = await measure([original, ...made.map(({ model }) => model)], { data, limit });
  results.push({
    ...report,
    title: name,
    models: report.models.map((row, i) => ({ ...row, path: name, label: made[i - 1]?.label ?? "float32" })),
  });
  console.log(table(results.at(-1)!));
}

const folder = join(fileURLToPath(new URL(".", import.meta.url)), "results");
mkdirSync(folder, { recursive: true });
if (!wanted) writeFileSync(join(folder, "portfolio.json"), `${JSON.stringify(results, null, 2)}\n`);

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

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(4)}`;
}
