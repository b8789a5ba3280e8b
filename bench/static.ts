// Static quantization on real trained models with labelled data: pare by each way of finding activation ranges beside
// every setting of ONNX Runtime's quantize_static, on the same calibration samples. Score (paired), latency, bytes,
// seconds and peak memory. Writes bench/results/static.json and the tables of docs/static-quantization.md.
//   npm run build && npx tsx bench/static.ts [models...] [--limit n] [--json out]
//   npx tsx bench/static.ts --only peers | ours        --again ours        --explore file.json        --tables

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeError, load } from "../src/index.js";
import { repository } from "./measured.js";
import { peers as environment } from "./peers.js";
import { dump } from "./static/dump.js";
import { type Made, made } from "./static/made.js";
import { collected, type Results, writePage, writeResults } from "./static/results.js";
import { type Row, Rows } from "./static/rows.js";
import type { Scored, ScoreRequest } from "./static/score.js";
import { CALIBRATE, type Subject, subjects } from "./static/subjects.js";
import { explorations, type Ours, type Peer, pares, peers } from "./static/variants.js";

const usual = join(repository, "bench/results/static.json");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: "string", default: "1000" },
    json: { type: "string", default: usual },
    only: { type: "string" },
    again: { type: "string" },
    explore: { type: "string" },
    tables: { type: "boolean", default: false },
  },
});
const LATENCY_MS = 1500;
/** Models that are scored at once: each keeps a session. */
const TOGETHER = 12;
const work = join(repository, "bench/.work/static");
const chosen = subjects(Number(values.limit)).filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
);
const python = environment(join(repository, "bench/.venv"));
const script = fileURLToPath(new URL("./static/peer.py", import.meta.url));
const ours = fileURLToPath(new URL("./static/ours.mjs", import.meta.url));
const scorer = fileURLToPath(new URL("./static/score.ts", import.meta.url));

if (!values.tables) for (const subject of chosen) await run(subject);
const before = existsSync(values.json) ? (JSON.parse(readFileSync(values.json, "utf8")) as Results) : undefined;
const runtime = `onnxruntime-node ${createRequire(import.meta.url)("onnxruntime-node/package.json").version}`;
const results: Results = {
  machine: {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    runtime,
    peers: python?.versions ?? before?.machine.peers ?? "not run",
  },
  calibration: `Calibrated on ${CALIBRATE} samples (squeezenet1.1: 100), the same for all, in the same order.`,
  models: collected(work, subjects(Number(values.limit))),
};
writeResults(results, values.json);
if (values.json === usual) writePage(results);

async function run(subject: Subject): Promise<void> {
  const folder = join(work, subject.name);
  const rows = new Rows(join(folder, "rows"));
  if (values.again) rows.forget(values.again === "ours" ? "pare" : "onnxruntime");
  const model = await load(subject.path);
  const folders = { calibrate: "", choose: "", measure: "" };
  for (const purpose of ["calibrate", "choose", "measure"] as const) {
    folders[purpose] = join(folder, `${purpose}-${values.limit}`);
    await dump(model, subject.parts[purpose], folders[purpose]);
  }
  if (!rows.get("float", "float32")) {
    cpSync(subject.path, rows.model("float", "float32"));
    rows.put({ by: "float", label: "float32", made: "", bytes: statSync(subject.path).size });
  }
  if (values.only !== "ours" && python) await theirs(subject, rows, folders.calibrate);
  if (values.only !== "peers") {
    for (const variant of values.explore ? explorations(values.explore) : pares) {
      await one(rows, variant, JSON.stringify([variant.recipe, variant.target]), () =>
        made(process.execPath, [
          ours,
          subject.path,
          rows.model("pare", variant.label),
          folders.calibrate,
          JSON.stringify(variant.recipe),
          variant.target,
        ]),
      );
    }
  }
  score(subject, rows, { choose: folders.choose, measure: folders.measure });
}

async function theirs(subject: Subject, rows: Rows, folder: string): Promise<void> {
  const prepared = rows.model("prepared", "model");
  if (!existsSync(prepared)) {
    await made(python!.python, [script, "pre", subject.path, prepared]).catch((error: unknown) => {
      say(`${subject.name}: quant_pre_process: ${describeError(error)}`);
      cpSync(subject.path, prepared);
    });
  }
  for (const variant of peers) {
    const settings = JSON.stringify(variant.settings);
    // Settings that differ in weights alone have the same ranges: found once, which is what is timed, then read.
    const ranges = join(rows.folder, `ranges-${variant.settings.method}.json`);
    await one(rows, variant, settings, async () => {
      const read = existsSync(ranges);
      const output = rows.model("onnxruntime", variant.label);
      const found = await made(python!.python, [script, "quantize", prepared, output, folder, settings, ranges]);
      return read ? { ...(found.remark && { remark: found.remark }) } : found;
    });
  }
}

/** Makes a model unless it is there, made with the same settings. */
async function one(rows: Rows, variant: Ours | Peer, settings: string, make: () => Promise<Partial<Made>>) {
  const { by, label } = variant;
  if (rows.get(by, label)?.made === settings) return;
  say(`${rows.folder.split("/").at(-2)}: ${by} ${label}`);
  const path = rows.model(by, label);
  rmSync(path, { force: true });
  try {
    const found = await make();
    rows.put({ by, label, made: settings, bytes: statSync(path).size, ...found });
  } catch (error) {
    const failed = String(error instanceof Error ? error.message : error)
      .trim()
      .split("\n")
      .at(-1)!
      .slice(0, 300);
    say(`  failed: ${failed}`);
    rows.put({ by, label, made: settings, failed });
  }
}

/** Scores and times what has no figures yet, all in one pass over the samples. */
function score(subject: Subject, rows: Rows, folders: Readonly<Record<string, string>>): void {
  const variants: readonly { by: string; label: string }[] = [
    { by: "float", label: "float32" },
    ...(values.only === "ours" ? [] : peers),
    ...(values.only === "peers" || values.explore ? [] : pares),
    ...(values.explore ? explorations(values.explore) : []),
  ];
  const left = variants.flatMap(({ by, label }) => {
    const row = rows.get(by, label);
    const known = row?.scored && row.limit === Number(values.limit);
    return row && !row.failed && !known ? [row] : [];
  });
  const groups = [left.filter(({ by }) => by === "pare"), left.filter(({ by }) => by !== "pare")];
  for (const some of groups.flatMap((group) => chunks(group, TOGETHER))) {
    say(`${subject.name}: scoring ${some.map(({ label }) => label).join("; ")}`);
    const request: ScoreRequest = {
      float: subject.path,
      files: some.map(({ by, label }) => rows.model(by, label)),
      // Settings are chosen on samples that the tables do not show.
      folders: values.explore && some[0]?.by === "pare" ? { choose: folders.choose! } : { measure: folders.measure! },
      metric: subject.metric,
      latencyMs: values.explore ? LATENCY_MS / 5 : LATENCY_MS,
    };
    const output = execFileSync(process.execPath, ["--import", "tsx", scorer, JSON.stringify(request)], {
      encoding: "utf8",
      maxBuffer: 1e9,
      cwd: repository,
    });
    const found = JSON.parse(output.trim().split("\n").at(-1)!) as Record<string, Scored>;
    for (const row of some)
      rows.put({ ...row, limit: Number(values.limit), scored: found[rows.model(row.by, row.label)]! });
  }
}

function chunks(rows: readonly Row[], size: number): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
