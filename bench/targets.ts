// How fast each form of a model runs in each place, against float32: what the targets' defaults are settled by.
//   npx tsx bench/targets.ts [--places node,wasm,webgpu] [--models cnn,encoder] [--forms int8-dynamic,bnb4] [--budget 900] [--threads 1,2]
//   npx tsx bench/targets.ts --tables          only the tables of docs/targets.md, from the figures that are there
// Method: bench/README.md. Writes bench/results/targets.json and the tables of docs/targets.md.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load, type Model } from "../src/index.js";
import { portfolioModels } from "../tests/support/portfolio.js";
import { keyOf } from "../tests/support/portfolio-data.js";
import { repository } from "./measured.js";
import { peers } from "./peers.js";
import { forms as allForms, type MadeForm, makeForms } from "./targets/forms.js";
import { generated, portfolioFeeds } from "./targets/models.js";
import { browserPlaces, nodePlace, type Opened, type Place, type Placement } from "./targets/places.js";
import type { Results, Row } from "./targets/results.js";
import type { FeedSpec } from "./targets/runner.js";
import { writeTables } from "./targets/tables.js";

const { values } = parseArgs({
  options: {
    places: { type: "string", default: "node,wasm,webgpu" },
    models: { type: "string" },
    forms: { type: "string" },
    budget: { type: "string", default: "900" },
    threads: { type: "string", default: `1,${cpus().length}` },
    tables: { type: "boolean", default: false },
  },
});
const resultsPath = join(repository, "bench/results/targets.json");
const docsPath = join(repository, "docs/targets.md");
const before = existsSync(resultsPath) ? (JSON.parse(readFileSync(resultsPath, "utf8")) as Results) : undefined;
if (values.tables && before) {
  writeTables(docsPath, before);
  process.exit();
}

interface Subject {
  readonly name: string;
  readonly what: string;
  readonly feeds: readonly FeedSpec[];
  readonly make: () => Model | Promise<Model>;
}

const chosen = (list: string | undefined) => (name: string) => list === undefined || list.split(",").includes(name);
const kinds = values.places.split(",");
const forms = allForms.filter(({ id }) => chosen(values.forms)(id));
const named = (subjects: readonly Subject[]) => subjects.filter(({ name }) => chosen(values.models)(name));
const portfolio = portfolioModels().flatMap((path): Subject[] => {
  const known = portfolioFeeds[keyOf(path)];
  return known ? [{ name: keyOf(path), ...known, make: () => load(path) }] : [];
});

const work = join(repository, "bench/.work/targets");
mkdirSync(work, { recursive: true });
const python = peers(join(repository, "bench/.venv"));
const browsers = kinds.some((kind) => kind !== "node") ? await browserPlaces(work) : undefined;
if (!browsers && kinds.some((kind) => kind !== "node")) say("no Chromium: WASM and WebGPU are left out");
const about = await browsers?.about();

const timing = { budgetMs: Number(values.budget), rounds: [5, 60], loads: 2 } as const;
const onlyRun = { budgetMs: 0, rounds: [0, 0], loads: 1 } as const;
// On a software adapter time says nothing: small models are run once, to see what falls back and what comes out.
const software = process.env.PARE_BENCH_ADAPTER !== "hardware";
const gpu = browsers && kinds.includes("webgpu") && about?.adapter ? browsers : undefined;
const threads = [...new Set(values.threads.split(",").map(Number))];
const timed: Place[] = [
  ...(kinds.includes("node") ? threads.map((count) => nodePlace(count, timing)) : []),
  ...(browsers && kinds.includes("wasm") && about?.isolated
    ? threads.map((count) => browsers.place("wasm", count, timing))
    : []),
  ...(gpu && !software ? [gpu.place("webgpu", 1, timing)] : []),
];

// What is not measured this time keeps what was found before.
const rows = new Map<string, Row>((before?.rows ?? []).map((row) => [keyOfRow(row), row]));
const described = new Map((before?.models ?? []).map((model) => [model.name, model]));
const began = Date.now();
if (timed.length > 0)
  for (const subject of [...named(generated.full), ...named(portfolio)]) await measure(subject, timed, "full");
if (gpu && software)
  for (const subject of named(generated.small)) await measure(subject, [gpu.place("webgpu", 1, onlyRun)], "small");
await browsers?.close();
say(`done in ${((Date.now() - began) / 60000).toFixed(1)} min`);

async function measure({ name, what, feeds, make }: Subject, places: readonly Place[], size: "full" | "small") {
  say(`${name} (${size}): making ${forms.length} forms`);
  const made = await makeForms(await make(), feeds, forms, join(work, `${name}-${size}`), python?.python);
  if (size === "full") described.set(name, { name, what, bytes: made.floatBytes });
  // Outputs of all places are compared with float32 in Node.
  const judge = await nodePlace(1, onlyRun).open(made.floatPath, feeds);
  const reference = judge.output;
  await judge.close();
  for (const place of places) {
    const at = { place: place.id, model: name };
    let opened = await place.open(made.floatPath, feeds);
    const fell = await fellBack(opened, made.floatPath);
    add({ ...at, form: "float32", bytes: made.floatBytes, ...fell, sqnrDb: sqnr(reference, opened.output) });
    for (const form of made.forms) {
      const row = await one(opened, form, reference);
      add({ ...at, form: form.form.id, ...row });
      if (row.failed === undefined || form.path === undefined) continue;
      // What failed may have left the place broken.
      await opened.close().catch(() => {});
      opened = await place.open(made.floatPath, feeds);
    }
    await opened.close();
    write();
  }
}

type Found = Omit<Row, "place" | "model" | "form">;

async function one(opened: Opened, { path, bytes, failed }: MadeForm, reference: readonly number[]): Promise<Found> {
  if (path === undefined) return { failed: failed ?? "was not made" };
  try {
    const { output, ...times } = await opened.form(path);
    const rounded = Object.fromEntries(
      Object.entries(times).map(([key, value]) => [key, Number(value.toPrecision(4))]),
    );
    return { bytes, ...rounded, ...(await fellBack(opened, path)), sqnrDb: sqnr(reference, output) };
  } catch (error) {
    return { bytes, failed: (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 300) };
  }
}

/** Nodes that a WebGPU session left to the CPU, by operator. */
async function fellBack(opened: Opened, path: string): Promise<{ readonly onCpu?: Placement[string] }> {
  const placement = await opened.placement?.(path);
  return placement?.CPU ? { onCpu: placement.CPU } : {};
}

/** 10 log10 of signal over error, decibels; null for equal outputs, -999 where there is a NaN. */
function sqnr(reference: readonly number[], output: readonly number[]): number | null {
  let [signal, error] = [0, 0];
  for (const [at, value] of reference.entries()) {
    signal += value * value;
    error += (value - output[at]!) ** 2;
  }
  if (Number.isNaN(error)) return -999;
  return error === 0 ? null : Number((10 * Math.log10(signal / error)).toFixed(1));
}

function keyOfRow({ place, model, form }: Row): string {
  return `${place} ${model} ${form}`;
}

function add(row: Row): void {
  rows.set(keyOfRow(row), row);
  const { ratio, low, high, ms, failed, sqnrDb, onCpu } = row;
  const figures = ratio === undefined ? (failed ?? "runs") : `${ratio} [${low}, ${high}] ${ms} ms`;
  say(`${keyOfRow(row)}: ${figures}, ${sqnrDb ?? "equal"} dB ${onCpu ? JSON.stringify(onCpu) : ""}`);
}

function write(): void {
  const version = (name: string): string =>
    JSON.parse(readFileSync(join(repository, "node_modules", name, "package.json"), "utf8")).version;
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    onnxruntimeNode: version("onnxruntime-node"),
    onnxruntimeWeb: version("onnxruntime-web"),
    python: python?.versions ?? before?.machine.python ?? "none",
    chromium: browsers?.version ?? before?.machine.chromium ?? "none",
    adapter: about?.adapter ?? before?.machine.adapter ?? "none",
    float16Adapter: about?.float16 ?? before?.machine.float16Adapter ?? false,
  };
  const results: Results = { machine, models: [...described.values()], rows: [...rows.values()] };
  mkdirSync(join(repository, "bench/results"), { recursive: true });
  writeFileSync(resultsPath, `${JSON.stringify(results, undefined, 1)}\n`);
  writeTables(docsPath, results);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
