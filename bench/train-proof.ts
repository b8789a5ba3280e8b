// What training from the ONNX file alone reaches, beside PyTorch with the same first weights, samples, order and recipe:
// networks from fresh weights on MNIST and AG News, and a ResNet-20 that recovers from damage; three seeds each. Ours runs
// through the library as a user calls it. Writes bench/results/train-proof.json and .md; what is done is not done again.
//   npx tsx bench/train-proof.ts [tasks...] [--seeds 1,2,3] [--threads 2] [--again]
//   npx tsx bench/train-proof.ts mnist-mlp --seeds 1 --epochs 1      a trial, kept apart
// Needs the portfolio, and a Python with torch, onnx and numpy: PARE_BENCH_PYTHON.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type DatasetSpec, finetune, load, type Model, save } from "../src/index.js";
import { withServices } from "../src/services.js";
import { repository } from "./measured.js";
import { accuracy } from "./train/proof/accuracy.js";
import { writeStream } from "./train/proof/stream.js";
import { type ProofRow, proofTable } from "./train/proof/table.js";
import { type Task, tasks } from "./train/proof/tasks.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1,2,3" },
    threads: { type: "string", default: "2" },
    again: { type: "boolean", default: false },
    epochs: { type: "string" },
    json: { type: "string", default: join(repository, "bench/results/train-proof.json") },
  },
});
const threads = Number(values.threads);
const seeds = values.seeds.split(",").map(Number);
const trial = values.epochs === undefined ? {} : { epochs: Number(values.epochs) };
const work = join(repository, "bench/.work", values.epochs === undefined ? "train-proof" : "train-proof-trial");
const script = fileURLToPath(new URL("./train/proof/recipe.py", import.meta.url));

const python = process.env.PARE_BENCH_PYTHON;
if (python === undefined) throw new Error("PARE_BENCH_PYTHON names no Python with torch");

for (const task of tasks) {
  if (positionals.length > 0 && !positionals.includes(task.name)) continue;
  for (const seed of seeds) await prove(task, seed);
}
report();

async function prove(task: Task, seed: number): Promise<void> {
  const done = join(work, "rows", `${task.name}-${seed}.json`);
  if (existsSync(done) && !values.again) return;
  const folder = join(work, `${task.name}-${seed}`);
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(work, "rows"), { recursive: true });
  const initial = join(folder, "initial.onnx");
  await save(await task.initial(seed), initial);
  const model = await load(initial);
  const recipe = { ...task.recipe, ...trial };
  const begun = performance.now();
  say(`${task.title}, seed ${seed}`);
  const {
    model: trained,
    best,
    log,
  } = await finetune(
    model,
    { ...recipe, seed },
    {
      data: task.data,
      threads,
      onEntry: ({ step, steps, loss, held }) => {
        if (held) say(`  ${step} of ${steps}: loss ${loss.toFixed(4)}, held-out ${held.metric?.value.toFixed(4)}`);
      },
    },
  );
  const seconds = (performance.now() - begun) / 1000;
  await save(trained, join(folder, "pare.onnx"));
  const scored = (path: string) => load(path).then((one) => score(one, task.data));
  const row: ProofRow = {
    task: task.name,
    seed,
    initial: await scored(initial),
    ...(task.whole && { whole: await score(await task.whole(), task.data) }),
    ours: { accuracy: await scored(join(folder, "pare.onnx")), seconds, best: best?.step ?? log.length },
    torch: await theirs(task, seed, folder, model, scored),
  };
  writeFileSync(done, JSON.stringify(row));
  rmSync(folder, { recursive: true });
  if (values.epochs === undefined) report();
}

async function theirs(
  task: Task,
  seed: number,
  folder: string,
  model: Model,
  scored: (path: string) => Promise<number>,
): Promise<ProofRow["torch"]> {
  await withServices(model, { data: task.data }, ({ data }) =>
    writeStream(folder, data, { ...task.recipe, ...trial }, seed),
  );
  const begun = performance.now();
  execFileSync(python!, [script, folder, String(threads)], { stdio: ["ignore", "inherit", "inherit"] });
  const seconds = (performance.now() - begun) / 1000;
  return { accuracy: await scored(join(folder, "torch.onnx")), seconds };
}

function score(model: Model, data: DatasetSpec): Promise<number> {
  return withServices(model, { data, threads }, (services) =>
    accuracy(model, services.data.split("measure"), services),
  );
}

function report(): void {
  const rows = tasks.flatMap((task) =>
    [1, 2, 3, ...seeds]
      .filter((seed, at, all) => all.indexOf(seed) === at)
      .flatMap((seed) => {
        const path = join(work, "rows", `${task.name}-${seed}.json`);
        return existsSync(path) ? [JSON.parse(readFileSync(path, "utf8")) as ProofRow] : [];
      }),
  );
  const text = proofTable(rows, tasks);
  if (values.epochs !== undefined) {
    console.log(text);
    return;
  }
  mkdirSync(join(repository, "bench/results"), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ threads, rows }, undefined, 2)}\n`);
  writeFileSync(values.json.replace(/\.json$/, ".md"), text);
  console.log(text);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
