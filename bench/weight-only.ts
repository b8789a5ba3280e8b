// Weight-only quantization of the matrices of real models in 4, 3 and 2 bits: pare's methods beside those of
// onnxruntime.quantization, fitted to the same samples and scored on the same others. Methods are chosen by their score on one
// part of the data (choose) and judged by another (measure). Writes bench/results/weight-only.json and the tables of
// docs/weight-only.md.
//   npx tsx bench/weight-only.ts [--models stories260k] [--bits 4,3,2] [--methods "gptq, mse;nearest, mse"] [--formats uint,int] [--no-peers]
//   npx tsx bench/weight-only.ts --tables          only the tables, from the figures that are there
// PARE_BENCH_PYTHON names a Python that has onnxruntime, onnx, onnx_ir and torch.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openDataset } from "../src/data/index.js";
import { load } from "../src/index.js";
import { platform } from "../src/platform/node.js";
import { repairs } from "../src/quantize/repairs/index.js";
import type { Numbers } from "../src/tensor/value.js";
import { portfolioModels } from "../tests/support/portfolio.js";
import { keyOf, portfolioData } from "../tests/support/portfolio-data.js";
import { measured, repository } from "./measured.js";
import { type Result, type Row, writePage } from "./weight-only/page.js";
import { type Part, partOf, scoreOf } from "./weight-only/score.js";
import { methods, peerAlgorithms, withAwq } from "./weight-only/variants.js";

/** Samples that methods are fitted to; documents (samples) to choose by, and to measure on. */
const FITTED = 128;
const plans = {
  stories260k: { metric: "perplexity", choose: 72, measure: 170 },
  "agnews-transformer": { metric: "accuracy", choose: 2000, measure: 4000 },
} as const;
const BLOCK = 32;

const { values } = parseArgs({
  options: {
    models: { type: "string", default: Object.keys(plans).join(",") },
    bits: { type: "string", default: "4,3,2" },
    methods: { type: "string" },
    formats: { type: "string", default: "uint,int" },
    tables: { type: "boolean", default: false },
    peers: { type: "boolean", default: true },
  },
  allowNegative: true,
});

const file = join(repository, "bench/results/weight-only.json");
const results = new Map<string, Result>(
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Result[]).map((one) => [one.model, one]) : [],
);
const script = fileURLToPath(new URL("./weight-only.py", import.meta.url));
const apply = fileURLToPath(new URL("./weight-only/apply.ts", import.meta.url));
const python = values.peers ? process.env.PARE_BENCH_PYTHON : undefined;
const work = mkdtempSync(join(tmpdir(), "pare-weight-only-"));

const keyOfRow = ({ bits, who, method, format }: Row) => JSON.stringify([bits, who, method, format]);

const plainly = ({ feeds }: Part["samples"][number]) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, data }]) => [name, [dims, Array.from(data as Numbers, Number)]]),
  );

try {
  if (!values.tables) for (const name of values.models.split(",")) await measureModel(name as keyof typeof plans);
} finally {
  rmSync(work, { recursive: true });
}
writePage([...results.values()]);

async function measureModel(name: keyof typeof plans): Promise<void> {
  const plan = plans[name];
  const path = portfolioModels().find((one) => keyOf(one) === name);
  if (path === undefined) throw new Error(`no model ${name}`);
  const model = await load(path);
  const data = await openDataset(portfolioData(path)!, model, { ...platform, seed: 0 });
  const choose = await partOf(data, "calibrate", FITTED, plan.choose);
  const measure = await partOf(data, "measure", 0, plan.measure);
  const samples = join(work, `${name}.json`);
  writeFileSync(samples, JSON.stringify((await partOf(data, "calibrate", 0, FITTED)).samples.map(plainly)));
  const float = {
    choose: await scoreOf(path, choose, plan.metric),
    measure: await scoreOf(path, measure, plan.metric),
  };
  const before = results.get(name);
  const rows = new Map<string, Row>((before?.rows ?? []).map((row) => [keyOfRow(row), row]));
  const versions = python ? execFileSync(python, [script, "versions"], { encoding: "utf8" }).trim() : before?.versions;
  const note = (row: Row) => {
    rows.set(keyOfRow(row), row);
    const shown = row.failed ?? `${row.choose?.toFixed(4)} ${row.measure?.toFixed(4)} ${row.seconds?.toFixed(1)} s`;
    process.stderr.write(`${name} ${row.bits} ${row.who} ${row.method} ${row.format}: ${shown}\n`);
    results.set(name, {
      model: name,
      metric: plan.metric,
      block: BLOCK,
      fitted: FITTED,
      counts: { choose: float.choose.count, measure: float.measure.count },
      float: { choose: float.choose.value, measure: float.measure.value },
      versions,
      rows: [...rows.values()],
    });
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, `${JSON.stringify([...results.values()], null, 2)}\n`);
  };
  const scored = async (output: string) => ({
    bytes: statSync(output).size,
    choose: (await scoreOf(output, choose, plan.metric)).value,
    measure: (await scoreOf(output, measure, plan.metric)).value,
  });
  const output = join(work, "made.onnx");
  for (const bits of values.bits.split(",").map(Number)) {
    if (python) {
      for (const method of peerAlgorithms) {
        const key = {
          bits,
          who: "onnxruntime",
          method,
          format: method.includes("symmetric") ? "int" : "uint",
        } as const;
        // Of these the quantizer passes no number of bits on.
        if (bits !== 4 && /^(rtn|k_quant|gptq)/.test(method)) {
          note({ ...key, failed: "makes 4 bits whatever is asked for" });
          continue;
        }
        rmSync(output, { force: true });
        try {
          const args = [script, method, String(bits), String(BLOCK), path, output, samples];
          const { seconds, peak } = await measured(python, args);
          note({ ...key, ...(await scored(output)), seconds, peak });
        } catch (error) {
          const text = error instanceof Error ? error.message.trim().split("\n").at(-1)! : String(error);
          note({ ...key, failed: text.slice(0, 120) });
        }
      }
    }
    const all = repairs.names.includes("awq") ? { ...methods, ...withAwq } : methods;
    for (const [method, options] of Object.entries(all)) {
      if (values.methods && !values.methods.split(";").includes(method)) continue;
      for (const format of ["uint", "int"] as const) {
        if (!values.formats.split(",").includes(format)) continue;
        const step = {
          method: "quantize",
          weights: `${format}${bits}`,
          block: BLOCK,
          form: "extract",
          keep: ["embeddings"],
        };
        const recipe = JSON.stringify([{ ...step, ...options }]);
        const { seconds, peak } = await measured("npx", ["tsx", apply, path, output, recipe]);
        note({ bits, who: "pare", method, format, ...(await scored(output)), seconds, peak });
      }
    }
  }
}
