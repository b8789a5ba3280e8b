// Training steps of pare beside PyTorch's, eager, on the CPU with the same number of threads: the same ONNX weights, data,
// order and recipe, in blocks of steps that alternate. Writes bench/results/train.json and train.md; rows of models that were
// not asked for stay.
//   npx tsx bench/train.ts [models...] [--threads 2] [--only ours | torch] [--profile] [--blocks 4] [--json out]
// Needs the portfolio, and a Python with torch, onnx and numpy: PARE_BENCH_PYTHON.
//   npx tsx bench/train.ts resnet20 --profile      our time by operator, nothing else

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { repository } from "./measured.js";
import { profile } from "./train/profile.js";
import { Side } from "./train/side.js";
import { made, recomputed, type Subject, subjects } from "./train/subjects.js";
import { type Comparison, type MemoryRow, type Results, type Row, table } from "./train/table.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    blocks: { type: "string", default: "4" },
    json: { type: "string", default: join(repository, "bench/results/train.json") },
  },
});
const threads = Number(values.threads);
/** Steps before any is timed, and what is timed in turn after them. */
const WARM = 10;
const BLOCK = 10;
const blocks = Number(values.blocks);
const chosen = (name: string) => positionals.length === 0 || positionals.includes(name);
const asked = [...subjects, recomputed].filter(({ name }) => chosen(name));
const work = join(repository, "bench/.work/train");

interface Opened {
  readonly idle: number;
  readonly versions?: string;
}
interface Steps {
  readonly losses: readonly number[];
  readonly milliseconds: readonly number[];
}

if (values.profile) {
  for (const subject of asked) console.log(await profile(subject, await made(subject), threads));
} else {
  await compare();
}

async function compare(): Promise<void> {
  for (const subject of asked) {
    // Written after each: what was measured before, of this model or others, is not lost.
    if (subject === recomputed) write([], await peaks(subject));
    else write([await row(subject)], []);
  }
  console.log(readFileSync(values.json.replace(/\.json$/, ".md"), "utf8"));
}

/** Adds rows to the results, in the place of older ones of the same models. */
function write(rows: readonly Row[], memory: readonly MemoryRow[]): void {
  const before = existsSync(values.json) ? (JSON.parse(readFileSync(values.json, "utf8")) as Results) : undefined;
  const all = [...(before?.rows ?? []).filter(({ name }) => rows.every((row) => row.name !== name)), ...rows];
  const order = subjects.map(({ name }) => name);
  const runtime = `onnxruntime-node ${createRequire(import.meta.url)("onnxruntime-node/package.json").version}`;
  const results = {
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version, runtime },
    threads,
    rows: all.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    memory: memory.length > 0 ? memory : (before?.memory ?? []),
  };
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(values.json.replace(/\.json$/, ".md"), table(results));
}

function side(which: "ours" | "torch"): Side {
  const script = (name: string) => fileURLToPath(new URL(`./train/${name}`, import.meta.url));
  if (which === "ours") return new Side(process.execPath, ["--import", "tsx", script("ours.ts")]);
  const python = process.env.PARE_BENCH_PYTHON;
  if (python === undefined) throw new Error("PARE_BENCH_PYTHON names no Python with torch");
  return new Side(python, [script("peer.py")]);
}

async function opening(subject: Subject, more: object = {}): Promise<object> {
  const { batch, lr, momentum, training, kind } = subject;
  return { do: "open", ...(await made(subject)), threads, batch, lr, momentum, training, kind, ...more };
}

async function row(subject: Subject): Promise<Row> {
  say(`${subject.title}, batch ${subject.batch}`);
  const request = await opening(subject);
  const names = (["ours", "torch"] as const).filter((name) => (values.only ?? name) === name);
  const sides = names.map((name) => side(name));
  const opened: Opened[] = [];
  for (const one of sides) opened.push(await one.ask<Opened>(request));
  const losses: number[][] = sides.map(() => []);
  const times: number[][] = sides.map(() => []);
  const steps = async (index: number, from: number, count: number, timed: boolean) => {
    const found = await sides[index]!.ask<Steps>({ do: "steps", from, count });
    losses[index]!.push(...found.losses);
    if (timed) times[index]!.push(...found.milliseconds);
  };
  const files = names.map((name) => join(work, `gradients-${name}.bin`));
  const weights: (readonly [string, number])[][] = [];
  for (const [index, one] of sides.entries()) {
    await steps(index, 0, 1, false);
    weights.push((await one.ask<{ weights: [string, number][] }>({ do: "gradients", to: files[index] })).weights);
    await steps(index, 1, WARM - 1, false);
  }
  for (let block = 0; block < blocks; block++) {
    for (const index of sides.keys()) {
      // Threads of the other side spin for a moment after their last task.
      await new Promise((done) => setTimeout(done, 100));
      await steps(index, WARM + block * BLOCK, BLOCK, true);
    }
  }
  const peaks: number[] = [];
  for (const one of sides) {
    peaks.push((await one.ask<{ peak: number }>({ do: "close" })).peak);
    one.end();
  }
  const figures = names.map((name, index) => ({
    name,
    versions: opened[index]!.versions,
    milliseconds: Math.min(...times[index]!),
    all: times[index]!.map((time) => Number(time.toFixed(2))),
    idle: opened[index]!.idle,
    peak: peaks[index]!,
    losses: losses[index]!,
  }));
  const { name, title, batch, training } = subject;
  const inside = names.includes("ours") ? await profile(subject, await made(subject), threads, true) : undefined;
  const agreement = names.length === 2 ? agree(losses, weights, files) : undefined;
  for (const file of files) rmSync(file, { force: true });
  return { name, title, batch, training, sides: figures, ...(agreement && { agreement }), ...(inside && { inside }) };
}

/** How far the two sides are apart. */
function agree(losses: number[][], weights: (readonly [string, number])[][], files: readonly string[]): Comparison {
  const [ours, theirs] = weights.map((list, index) => {
    const bytes = readFileSync(files[index]!);
    const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    let at = 0;
    return new Map(
      list.map(([name, count]) => {
        at += count;
        return [name, all.subarray(at - count, at)] as const;
      }),
    );
  }) as [Map<string, Float32Array>, Map<string, Float32Array>];
  let worst = { weight: "", difference: 0 };
  let largest = 0;
  for (const value of theirs.values()) largest = Math.max(largest, norm(value));
  for (const [weight, value] of ours) {
    const expected = theirs.get(weight);
    if (expected === undefined) throw new Error(`PyTorch has no gradient for ${weight}`);
    // Gradients that are zero but for rounding (the bias of attention's keys) are compared with the largest.
    const scale = norm(expected) > 1e-5 * largest ? norm(expected) : largest;
    const difference = norm(value.map((x, i) => x - expected[i]!)) / scale;
    if (!(difference <= worst.difference)) worst = { weight, difference };
  }
  const [a, b] = losses as [number[], number[]];
  const relative = a.slice(0, 10).map((loss, i) => Math.abs(loss - b[i]!) / Math.abs(b[i]!));
  const late = (list: number[]) => list.slice(40, 50).reduce((sum, loss) => sum + loss, 0) / 10;
  return {
    weights: ours.size,
    gradient: worst,
    firstLosses: Math.max(...relative),
    ...(a.length >= 50 && { lateLosses: Math.abs(late(a) - late(b)) / late(b) }),
  };
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}

/** Peak memory with and without recomputation, and whether the losses stay equal bit by bit. */
async function peaks(subject: Subject): Promise<MemoryRow[]> {
  if (values.only === "torch") return [];
  const rows: MemoryRow[] = [];
  for (const recompute of [false, true]) {
    say(`${subject.title}, batch ${subject.batch}${recompute ? ", --recompute" : ""}`);
    const ours = side("ours");
    const { idle } = await ours.ask<Opened>(await opening(subject, { recompute }));
    const { losses, milliseconds } = await ours.ask<Steps>({ do: "steps", from: 0, count: 4 });
    const { peak } = await ours.ask<{ peak: number }>({ do: "close" });
    ours.end();
    rows.push({
      title: subject.title,
      batch: subject.batch,
      recompute,
      idle,
      peak,
      losses,
      milliseconds: Math.min(...milliseconds),
    });
  }
  return rows;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
