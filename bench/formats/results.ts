// The figures of formats against accuracy, as they are kept.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { repository } from "../measured.js";
import type { Family } from "./variants.js";

export interface Score {
  /** null: not a number. */
  readonly value: number | null;
  /** From float32, on the same samples, with its 95% interval; missing for float32 itself. */
  readonly difference?: { readonly value: number; readonly low: number; readonly high: number };
  readonly sqnrDb: number | null;
}

export interface FormatRow {
  readonly label: string;
  readonly family: Family;
  readonly ladder?: true;
  readonly bytes?: number;
  readonly brotli?: number | null;
  /** Bits of all stored weights (codes, scales, what stays float) for each parameter of the float model. */
  readonly bits?: number;
  readonly score?: Score;
  readonly latency?: { readonly ratio: number; readonly q1: number; readonly q3: number };
  /** Why there is no such model. */
  readonly refused?: string;
}

export interface Side {
  readonly bytes: number;
  readonly score: Score;
  readonly latency?: number;
}

export interface PairRow {
  readonly label: string;
  readonly peer: string;
  readonly ours?: Side;
  readonly theirs?: Side;
  /** Score of ours minus theirs, paired. */
  readonly difference?: { readonly value: number; readonly low: number; readonly high: number };
  readonly failed?: string;
}

export interface ModelResult {
  readonly model: string;
  readonly metric: string;
  readonly better: "higher" | "lower";
  readonly data: string;
  /** Samples; tokens for perplexity. */
  readonly samples: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly brotli: number | null;
  readonly value: number;
  readonly rows: readonly FormatRow[];
  readonly pairs: readonly PairRow[];
}

export interface FormatResults {
  readonly machine: { readonly cpu: string; readonly node: string; readonly runtime: string; readonly peers: string };
  readonly models: readonly ModelResult[];
}

const file = join(repository, "bench/results/formats.json");

export const readFormats = (): FormatResults | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as FormatResults) : undefined;

export function writeFormats(results: FormatResults): void {
  const short = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, short, 1)}\n`);
}
