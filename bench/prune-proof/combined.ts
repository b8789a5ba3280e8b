// One recipe, one command: channels cut and fine-tuned, then eight bits.

import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load, measure } from "../../src/index.js";
import type { Cell, Conditions } from "./cell.js";
import { right } from "./right.js";
import { type Subject, subjects } from "./subjects.js";

export interface CombinedRow {
  readonly kind: "combined";
  readonly model: string;
  readonly recipe: string;
  readonly seed: number;
  readonly bytes: { readonly before: number; readonly after: number };
  /** Of the pruned model before it is rounded: integer operators are counted alike. */
  readonly macs: { readonly before: number | null; readonly after: number | null };
  readonly before: string;
  readonly after: string;
  /** What it must reach: points at most below, bytes at most this share, multiply-accumulates at most this share. */
  readonly bars: { readonly points: number; readonly bytes: number; readonly macs: number | null };
  readonly seconds: number;
}

interface Combination {
  readonly subject: Subject;
  readonly prune: Readonly<Record<string, unknown>>;
  readonly quantize: Readonly<Record<string, unknown>>;
  readonly bars: CombinedRow["bars"];
}

const WHOLE = { method: "quantize", weights: "int8", activations: "uint8" };
const combinations: readonly Combination[] = [
  {
    subject: subjects.mnist,
    prune: { structure: "channel", score: "l2", macs: "45%", roundTo: 1, schedule: "linear", steps: 3 },
    quantize: WHOLE,
    bars: { points: 1, bytes: 1 / 5, macs: 0.6 },
  },
  {
    subject: subjects.agnews,
    prune: { structure: "channel", score: "l2", macs: "45%", roundTo: 8, schedule: "linear", steps: 2 },
    quantize: { method: "quantize", weights: "int8", activations: "dynamic" },
    bars: { points: 1, bytes: 1 / 5, macs: 0.6 },
  },
  {
    subject: subjects.resnet56,
    prune: { structure: "channel", score: "l2", bytes: "45%", roundTo: 1, schedule: "linear", steps: 3 },
    quantize: WHOLE,
    bars: { points: 2, bytes: 1 / 7, macs: null },
  },
];

export const combined = (seeds: readonly number[]): Cell[] =>
  combinations.flatMap((combination) =>
    seeds.map((seed) => ({
      case: `combined-${combination.subject.name}`,
      name: `combined-${combination.subject.name}-${seed}`,
      run: (conditions: Conditions) => row(combination, seed, conditions),
    })),
  );

const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

async function row(
  { subject, prune, quantize, bars }: Combination,
  seed: number,
  { threads, trial, work }: Conditions,
): Promise<CombinedRow> {
  const folder = join(work, `combined-${subject.name}-${seed}`);
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const length = trial ? { epochs: undefined, steps: 5 } : {};
  const first = { method: "prune", ...prune, finetune: { ...subject.finetune, ...length, seed }, seed };
  const recipe = JSON.stringify([first, quantize]);
  writeFileSync(at("recipe.json"), recipe);
  writeFileSync(at("data.json"), JSON.stringify(subject.data));
  const begun = performance.now();
  const given = ["--recipe", at("recipe.json"), "--data", at("data.json"), "--threads", String(threads)];
  execFileSync(
    process.execPath,
    ["--import", "tsx", cli, "compress", subject.path, ...given, "-o", at("out.onnx"), "--report", at("report.html")],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const seconds = (performance.now() - begun) / 1000;
  const [model, result] = [await load(subject.path), await load(at("out.onnx"))];
  const { models } = await measure([model, result], { metrics: ["macs"], data: subject.data, threads });
  return {
    kind: "combined",
    model: subject.title,
    recipe,
    seed,
    bytes: { before: statSync(subject.path).size, after: statSync(at("out.onnx")).size },
    macs: { before: models[0]?.macs ?? null, after: models[1]?.macs ?? null },
    before: await right(model, subject.data, threads),
    after: await right(result, subject.data, threads),
    bars,
    seconds,
  };
}
