// From the kept rows to figures: scores with paired differences, and what the bars ask.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pairedDifference, pairedPerplexity } from "../../src/metrics/paired.js";
import { repository } from "../measured.js";
import { type Row, Rows } from "./rows.js";
import type { Outcome } from "./score.js";
import type { Subject } from "./subjects.js";
import { modelTable, summaryTable, verdicts } from "./tables.js";
import { DEFAULTS, pares, peers } from "./variants.js";

/** Positive: better, in percentage points of top-1 or in perplexity. */
export interface Difference {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Standard error. */
  readonly error: number;
}

export interface Figures {
  readonly by: Row["by"];
  readonly label: string;
  readonly failed?: string;
  readonly remark?: string;
  readonly score?: number;
  /** Against float32, paired. */
  readonly difference?: Difference;
  /** Mean divergence from float32, in nats a row; and the share of rows with float32's class. */
  readonly divergence?: number;
  readonly agreement?: number;
  readonly latency?: { readonly ratio: number; readonly low: number; readonly high: number };
  readonly bytes?: number;
  readonly seconds?: number;
  readonly processor?: number;
  readonly peak?: number;
}

export interface ModelFigures {
  readonly model: string;
  readonly metric: "top-1" | "perplexity";
  readonly depthwise: boolean;
  readonly convolutional: boolean;
  /** Scored items: images, texts; tokens for perplexity. */
  readonly samples: number;
  readonly rows: readonly Figures[];
  /** The peer's setting of the best score, and the defaults of pare against it. */
  readonly best?: string;
  readonly against?: Difference;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly runtime: string;
  readonly peers: string;
}

export interface Results {
  readonly machine: Machine;
  readonly calibration: string;
  readonly models: readonly ModelFigures[];
}

export function collected(work: string, subjects: readonly Subject[]): ModelFigures[] {
  return subjects.flatMap((subject) => {
    const found = figuresOf(subject, new Rows(join(work, subject.name, "rows")));
    return found ? [found] : [];
  });
}

function figuresOf({ name, metric, depthwise, convolutional }: Subject, rows: Rows): ModelFigures | undefined {
  const own = (by: string, label: string) => rows.get(by, label);
  const float = own("float", "float32");
  const reference = float?.scored?.outcomes?.measure;
  if (!float || !reference) return undefined;
  const kept = [float, ...[...pares, ...peers].flatMap(({ by, label }) => own(by, label) ?? [])];
  const method = (label: string) => peers.find((each) => each.label === label)?.settings.method;
  const timedLike = (row: Row): Row =>
    kept.find((each) => each.by === row.by && each.seconds !== undefined && method(each.label) === method(row.label)) ??
    row;
  const figures = kept.map((row): Figures => {
    const outcome = row.scored?.outcomes?.measure;
    const { by, label, bytes, remark } = row;
    // Where ranges were read, what it takes is what the setting took that found them.
    const { seconds, processor, peak } = row.seconds === undefined && row.by === "onnxruntime" ? timedLike(row) : row;
    const failed = row.failed ?? row.scored?.failed;
    return {
      by,
      label,
      ...(failed !== undefined && { failed }),
      ...(remark !== undefined && { remark }),
      ...(bytes !== undefined && { bytes }),
      ...(seconds !== undefined && { seconds }),
      ...(processor !== undefined && { processor }),
      ...(peak !== undefined && { peak }),
      ...(outcome && {
        score: scoreOf(outcome),
        divergence: outcome.divergence,
        agreement: outcome.agreement,
        ...(by !== "float" && { difference: differenceOf(reference, outcome) }),
      }),
      ...(row.scored?.latency && by !== "float" && { latency: row.scored.latency }),
    };
  });
  const better = (a: Figures, b: Figures) => (metric === "perplexity" ? a.score! - b.score! : b.score! - a.score!);
  const scored = figures.filter(({ by, score }) => by === "onnxruntime" && score !== undefined && !Number.isNaN(score));
  // Of equal scores the nearest to float32.
  const best = scored.sort((a, b) => better(a, b) || a.divergence! - b.divergence!)[0];
  const [mine, theirs] = [own("pare", DEFAULTS), best && own("onnxruntime", best.label)].map(
    (row) => row?.scored?.outcomes?.measure,
  );
  return {
    model: name,
    metric,
    depthwise,
    convolutional,
    samples: reference.right?.length ?? reference.items!.reduce((sum, count) => sum + count, 0),
    rows: figures,
    ...(best && { best: best.label }),
    ...(mine && theirs && { against: differenceOf(theirs, mine) }),
  };
}

function scoreOf({ right, loss, items }: Outcome): number {
  if (right !== undefined) return (100 * digits(right).reduce((sum, x) => sum + x, 0)) / right.length;
  const tokens = items!.reduce((sum, count) => sum + count, 0);
  return Math.exp(loss!.reduce((sum, each, i) => sum + each * items![i]!, 0) / tokens);
}

const digits = (text: string) => Array.from(text, Number);

function differenceOf(first: Outcome, second: Outcome): Difference {
  if (first.right !== undefined) {
    const [a, b] = [digits(first.right), digits(second.right!)];
    const { difference, low, high } = pairedDifference(a, b);
    const squares = a.reduce((sum, x, i) => sum + (b[i]! - x - difference) ** 2, 0);
    const error = Math.sqrt(squares / (a.length - 1) / a.length);
    return { value: 100 * difference, low: 100 * low, high: 100 * high, error: 100 * error };
  }
  const documents = ({ loss, items }: Outcome) => ({ loss: loss!, items: items! });
  const { difference, low, high } = pairedPerplexity(documents(first), documents(second));
  // Lower is better: the sign turns. Half of the interval is 1.96 standard errors, for hundreds of documents.
  return { value: -difference, low: -high, high: -low, error: (high - low) / 2 / 1.96 };
}

/** Writes the JSON and, when it is the one of the repository, the tables of the page. */
export function writeResults(results: Results, file: string): void {
  const short = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, short, 1)}\n`);
}

/** The generated parts of docs/static-quantization.md, each between its two marks. */
export function writePage({ machine, calibration, models }: Results): void {
  const page = join(repository, "docs/static-quantization.md");
  let text = readFileSync(page, "utf8");
  const fill = (mark: string, content: string) => {
    const pattern = new RegExp(`(<!-- ${mark}:begin -->)[\\s\\S]*?(<!-- ${mark}:end -->)`);
    if (!pattern.test(text)) throw new Error(`docs/static-quantization.md has no marks for ${mark}`);
    text = text.replace(pattern, (_, begin, end) => `${begin}\n\n${content}\n\n${end}`);
  };
  const { cpu, cores, node, runtime, peers: versions } = machine;
  fill(
    "machine",
    `${cpu.trim()}, ${cores} cores, Node ${node.slice(1)}, ${runtime}; peers: ${versions}. ${calibration}`,
  );
  fill("summary", summaryTable(models));
  fill("bars", verdicts(models));
  fill("models", models.map(modelTable).join("\n\n"));
  writeFileSync(page, text);
}
