// What the training loop is told, what it says while it runs, and what it gives.

import type { Note } from "../base/note.js";
import type { Dataset } from "../data/dataset.js";
import type { SessionOptions } from "../engine/runtime.js";
import type { Value } from "../tensor/value.js";
import type { Supply } from "./attached.js";
import type { CheckpointStore } from "./checkpoint.js";
import type { Evaluation } from "./evaluate.js";
import type { Interlude } from "./interlude.js";
import type { ScheduleChoice } from "./learning-rate.js";
import type { ScaleState, ScalingOptions } from "./scaling.js";

export interface LoopOptions {
  /** Times through the data; default 1. Not beside `steps`. */
  readonly epochs?: number | undefined;
  /** Updates in all. Those that are skipped for an overflow count. */
  readonly steps?: number | undefined;
  /** Batches of one update: that of the step graph; default 1. */
  readonly accumulate?: number | undefined;
  /** The highest learning rate. */
  readonly lr: number;
  /** How it goes over the updates; a `warmup` below 1 is their share. */
  readonly schedule: ScheduleChoice;
  /** Samples that do not fill a batch: left out of this epoch, or filled up with repeated ones of weight 0. */
  readonly lastBatch: "drop" | "pad";
  readonly seed: number;
  /** Updates between two looks at the held-out data; default: an epoch. There is always one at the end. */
  readonly evaluateEvery?: number | undefined;
  /** Held-out samples at most. */
  readonly evaluateLimit?: number | undefined;
  /** Stops after this many looks in a row that brought nothing better. */
  readonly patience?: number | undefined;
  /** What counts as better: by more than this. Default 0. */
  readonly minDelta?: number | undefined;
  /** Stops when a look at the held-out data gives this metric (the loss, where there is no metric) or better. */
  readonly target?: number | undefined;
  /** Which weights are given: those that were best on held-out data (default), or the last, whatever looks say. */
  readonly choose?: "best" | "last" | undefined;
  /** Changes weights between updates. Only looks from its last change on choose among weights, and end the training. */
  readonly interlude?: Interlude | undefined;
  /** Of a step with a loss scale: how it changes. Without it, an overflow ends the training. */
  readonly scaling?: ScalingOptions | undefined;
  readonly checkpoint?: CheckpointStore | undefined;
  /** Updates between two checkpoints; default: an epoch. There is one when the training is stopped, and one at its end. */
  readonly checkpointEvery?: number | undefined;
  /** Goes on from the checkpoint, which must be there. */
  readonly resume?: boolean | undefined;
  /** Whether NaN or infinity is traced to its node, by running the step once more. Default true. */
  readonly findNan?: boolean | undefined;
  /** What the user chose, as plain data: a checkpoint of other settings is refused by their names. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  readonly session?: SessionOptions | undefined;
}

export interface TrainData {
  readonly train: Dataset;
  /** Data that is not trained on: for early stopping and the best weights. */
  readonly held?: Dataset | undefined;
  /** Fills the inputs of other methods, for both. */
  readonly supply?: Supply | undefined;
}

/** One update. Everything but the two times is the same in every run with the same seed on one machine. */
export interface TrainLogEntry {
  /** 1 for the first; those that were skipped count. */
  readonly step: number;
  readonly steps: number;
  /** Times through the data so far, with its fraction. */
  readonly epoch: number;
  /** Mean over the samples of the update, without weight decay. */
  readonly loss: number;
  /** By name, where there are several. */
  readonly losses?: Readonly<Record<string, number>>;
  readonly lr: number;
  /** L2 norm before clipping. */
  readonly gradientNorm: number;
  readonly lossScale?: number;
  /** The gradients overflowed: nothing was changed but the loss scale. */
  readonly skipped?: true;
  /** Held-out data, when it was looked at after this update. `best`: better than all before. */
  readonly held?: Evaluation & { readonly best: boolean };
  /** Other figures of the step, by the names of its results. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly samplesPerSecond: number;
  /** Without the looks at held-out data. */
  readonly secondsLeft: number;
}

export interface TrainResult {
  /** By prepared name, statistics and weights of methods included: the best on held-out data where there is some, else the last. */
  readonly weights: ReadonlyMap<string, Value>;
  readonly log: readonly TrainLogEntry[];
  /** The step whose weights these are, and what they gave on held-out data. */
  readonly best?: { readonly step: number; readonly held: Evaluation };
  readonly stopped: "finished" | "patience" | "target";
  /** Steps that were skipped for an overflow. */
  readonly skipped: number;
  readonly notes: readonly Note[];
}

/** Where the loop stands: with the tensors of the session, all that a run needs to go on. Plain data. */
export interface LoopState {
  /** The next batch, counted from the first of the first epoch. */
  batch: number;
  /** Updates that changed something. */
  updates: number;
  skipped: number;
  /** Overflows in a row. */
  overflows: number;
  scale?: ScaleState | undefined;
  /** Sums over the batches of an update that is not complete. */
  partial: { loss: number; samples: number; losses: Record<string, number> };
  best?: { step: number; score: number; held: Evaluation } | undefined;
  /** Looks at held-out data since the best. */
  looks: number;
  /** A look has reached the target. */
  reached?: true;
  log: TrainLogEntry[];
}
