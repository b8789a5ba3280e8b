// What pruning reaches on the portfolio: zeros with fine-tuning at four ratios and three seeds, channels cut for speed,
// Torch-Pruning on the same weights, one recipe of channels and eight bits, and scores of a large model.
// Writes bench/results/prune-proof.json and .md; what is done is not done again.
//   npx tsx bench/prune-proof.ts [cases...] [--seeds 1,2,3] [--threads 2] [--again] [--report]
//   npx tsx bench/prune-proof.ts combined-mnist --seeds 1 --trial        a few updates, kept apart: shows that it runs
// Needs the portfolio; the cases peer-* also a Python with torch, onnx, numpy and torch-pruning: PARE_BENCH_PYTHON
// (PARE_BENCH_PACKAGES names a folder of packages to add to its path).

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repository } from "./measured.js";
import type { Cell, Conditions, ProofRow } from "./prune-proof/cell.js";
import { combined } from "./prune-proof/combined.js";
import { peer } from "./prune-proof/peer.js";
import { speed } from "./prune-proof/speed.js";
import { structured } from "./prune-proof/structured.js";
import { proofText } from "./prune-proof/table.js";
import { unstructured } from "./prune-proof/unstructured.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1,2,3" },
    threads: { type: "string", default: "2" },
    again: { type: "boolean", default: false },
    /** What is done so far, nothing new. */
    report: { type: "boolean", default: false },
    trial: { type: "boolean", default: false },
    json: { type: "string", default: join(repository, "bench/results/prune-proof.json") },
  },
});
const seeds = values.seeds.split(",").map(Number);
const work = join(repository, "bench/.work", values.trial ? "prune-proof-trial" : "prune-proof");
const conditions: Conditions = { threads: Number(values.threads), trial: values.trial, work };
const folder = join(work, "rows");
mkdirSync(folder, { recursive: true });

const all: readonly Cell[] = [...structured(), ...peer(), ...combined(seeds), ...unstructured(seeds), ...speed()];
const names = [...new Set(all.map((cell) => cell.case))];
for (const name of positionals) {
  if (!names.includes(name)) throw new Error(`there is no case ${name}: ${names.join(", ")}`);
}
for (const cell of all) {
  if (values.report || (positionals.length > 0 && !positionals.includes(cell.case))) continue;
  const done = join(folder, `${cell.name}.json`);
  if (existsSync(done) && !values.again) continue;
  process.stderr.write(`${cell.name}\n`);
  writeFileSync(done, JSON.stringify(await cell.run(conditions)));
  report();
}
report();

function report(): void {
  const order = new Map(all.map(({ name }, at) => [name, at]));
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const place = (name: string) => order.get(name.replace(/\.json$/, "")) ?? all.length;
  const rows = files
    .sort((a, b) => place(a) - place(b) || a.localeCompare(b))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as ProofRow);
  const text = proofText(rows);
  if (values.trial) {
    process.stdout.write(`${text}\n`);
    return;
  }
  mkdirSync(join(repository, "bench/results"), { recursive: true });
  // Sample by sample only in the rows: that is what differences are paired by.
  const counted = (_: string, value: unknown) =>
    typeof value === "string" && /^[01]{100,}$/.test(value)
      ? { right: value.replaceAll("0", "").length, of: value.length }
      : value;
  writeFileSync(values.json, `${JSON.stringify({ threads: conditions.threads, rows }, counted, 1)}\n`);
  writeFileSync(values.json.replace(/\.json$/, ".md"), `${text}\n`);
}
