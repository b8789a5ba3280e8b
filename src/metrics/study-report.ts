// What a study of pruning found: every run, what runs come to at each operating point, and answers. Definitions after
// D. Blalock et al., "What is the State of Neural Network Pruning?" (MLSys 2020).

import type { Note } from "../base/note.js";
import type { Report } from "./report.js";

/** One way to prune: what varies in a study beside how much goes and the draw. */
export interface StudyMethod {
  readonly structure: string;
  readonly score: string;
  readonly scope: string;
  readonly schedule: string;
  /** Times that something goes: 1 for "one-shot". */
  readonly steps: number;
  readonly weights: "keep" | "rewind" | "reinit";
}

/** How large a model is. */
export interface StudySize {
  /** Elements of the weights. */
  readonly parameters: number;
  /** Of these, not zero: the size that the compression ratio is of. */
  readonly nonZero: number;
  /** Of the file, as it would be written. */
  readonly bytes: number;
  /** The file compressed; null where the platform cannot. */
  readonly gzip: number | null;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
  /** Of these, by weights that are not zero: what "theoretical" speed-up is of. No runtime leaves out the others. */
  readonly effectiveMacs: number;
}

/** How right a model is on one part of the data. */
export interface StudyScore {
  readonly value: number;
  readonly samples: number;
  /** Outcome of each sample in order, to pair runs by: "0110..." where all are 0 or 1. */
  readonly perSample?: string | readonly number[];
  /** In place of it for perplexity. */
  readonly perDocument?: { readonly loss: readonly number[]; readonly items: readonly number[] };
}

/** What stands in a run's file. */
export interface StudyRecord {
  readonly pare: string;
  /** Hash of all that the run depends on. */
  readonly key: string;
  /** The recipe that was applied; empty for a model as it is. */
  readonly recipe: readonly object[];
  readonly seed: number;
  readonly metric: string;
  readonly better: "higher" | "lower";
  readonly size: StudySize;
  /** On the part for calibration, which training chose its weights by; null where there is none. */
  readonly heldOut: StudyScore | null;
  /** On the part for measuring, which had no part in anything. */
  readonly measured: StudyScore;
  readonly seconds: number;
  /** Warnings of the steps. */
  readonly notes: readonly Note[];
}

/** One run of the plan and what came of it. */
export interface StudyRun {
  readonly method: StudyMethod;
  /** Share that the recipe asks to remove. */
  readonly ratio: number;
  readonly seed: number;
  readonly key: string;
  /** Undefined: it failed, or was not reached. */
  readonly record?: StudyRecord;
  readonly error?: { readonly code: string; readonly message: string };
  /** Against the original; there when the record is. */
  readonly outcome?: StudyOutcome;
}

export interface StudyOutcome {
  /** Non-zero parameters of the original over those of the result. */
  readonly compression: number;
  /** Multiply-accumulates of the original over those by non-zero weights of the result. */
  readonly speedUp: number;
  /** Bytes of the original's file over the result's. */
  readonly bytes: number;
  /** Result minus original, on the same samples of the part for measuring. */
  readonly change: StudyDifference;
}

/** Mean over runs; `sd` is the sample standard deviation (n - 1), 0 of one run. */
export interface Spread {
  readonly mean: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** A difference over the same samples, with its 95% interval; null where the metric is no mean over samples. */
export interface StudyDifference {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly samples: number;
}

/** All seeds of one method at one ratio. */
export interface StudyPoint {
  readonly method: StudyMethod;
  /** What tells it from the other methods of the study, in words. */
  readonly name: string;
  readonly ratio: number;
  readonly failed: number;
  /** As of an outcome. */
  readonly compression: Spread;
  readonly speedUp: Spread;
  readonly bytes: Spread;
  readonly accuracy: Spread;
  readonly heldOut: Spread | null;
  /** Result minus original. */
  readonly change: StudyDifference;
}

/** A model that stands beside the pruned ones: the original, or another architecture trained as usual. */
export interface StudyModel {
  readonly name: string;
  readonly record: StudyRecord;
  readonly outcome: StudyOutcome;
}

/** One comparison that the study answers, at one ratio: all pairs of runs that differ in this alone. */
export interface StudyAnswer {
  /** "Does magnitude beat random?" */
  readonly question: string;
  readonly structure: string;
  /** What is compared, `second` minus `first`. */
  readonly first: string;
  readonly second: string;
  readonly ratio: number;
  readonly pairs: number;
  /** Pairs in which `second` was better. */
  readonly wins: number;
  readonly difference: StudyDifference;
  /** Better by the metric's own direction: "unclear" where the interval holds 0 or the pairs do not agree. */
  readonly verdict: "better" | "worse" | "unclear";
  /** Mean compression and speed-up of both sides: a scope may take the same share at another cost. */
  readonly compression: readonly [number, number];
  readonly speedUp: readonly [number, number];
}

/** At one ratio: the method that held-out data chooses, and what it is worth on the part for measuring. */
export interface StudyChoice {
  readonly structure: string;
  readonly ratio: number;
  readonly point: StudyPoint;
}

export interface StudyReport {
  readonly pare: string;
  readonly model: string;
  readonly machine: Report["machine"];
  readonly data: {
    readonly name: string;
    readonly measured: number;
    readonly heldOut: number;
    readonly trained: number;
  };
  readonly metric: string;
  readonly better: "higher" | "lower";
  readonly seeds: readonly number[];
  readonly finetune: Readonly<Record<string, unknown>> | null;
  readonly original: StudyRecord;
  readonly beside: readonly StudyModel[];
  readonly points: readonly StudyPoint[];
  readonly answers: readonly StudyAnswer[];
  readonly choices: readonly StudyChoice[];
  readonly runs: readonly StudyRun[];
  readonly notes: readonly Note[];
}
