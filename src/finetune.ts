// finetune: the weights of a model trained on data, from the ONNX file alone. The step of that name, with what a recipe
// does not hold: a checkpoint to go on from, and the log line by line.

import type { Note } from "./base/note.js";
import { checkpointFile } from "./checkpoint-file.js";
import type { Model } from "./ir/model.js";
import type { Training } from "./metrics/report.js";
import type { RecipeStep } from "./recipe.js";
import { runStep } from "./run-step.js";
import type { ServiceOptions } from "./services.js";
import type { CheckpointStore } from "./train/checkpoint.js";
import { type Finetuned, type FinetuneRun, finetuneModel } from "./train/finetune.js";
import type { FinetuneOptions as StepOptions } from "./train/finetune-options.js";
import type { TrainLogEntry } from "./train/loop-options.js";
import { trainingReport } from "./train/training-report.js";

export type { CheckpointStore } from "./train/checkpoint.js";
export type { Evaluation } from "./train/evaluate.js";
export type { TrainLogEntry } from "./train/loop-options.js";

/** How to train: the options of the recipe's step. */
export type FinetuneSettings = Omit<Extract<RecipeStep, { readonly method: "finetune" }>, "method">;

export interface FinetuneOptions extends ServiceOptions {
  /** Called for every update, also those that were skipped. */
  readonly onEntry?: ((entry: TrainLogEntry) => void) | undefined;
  /** A file for the state of the training, or what reads and writes one. Written every epoch, and when it is stopped. */
  readonly checkpoint?: string | CheckpointStore | undefined;
  /** Updates between two checkpoints; default: an epoch. */
  readonly checkpointEvery?: number | undefined;
  /** Goes on from the checkpoint, which must be there and of the same settings. */
  readonly resume?: boolean | undefined;
  /** Whether NaN or infinity is traced to the node that made it. Default true. */
  readonly findNan?: boolean | undefined;
  /** Check the invariants of the graph that comes out. */
  readonly verify?: boolean | undefined;
}

export interface FinetuneResult extends Pick<Finetuned, "before" | "best" | "stopped" | "skipped" | "samples"> {
  readonly model: Model;
  readonly log: readonly TrainLogEntry[];
  readonly notes: readonly Note[];
  /** How it went, thinned out for reports and charts. */
  readonly training: Training;
}

/**
 * Trains on the train part of `data`; its calibrate part is held out to choose by, its measure part is not read. The input
 * model is never changed; the result is the same graph with other weights, its head and batch normalisations as they were.
 * Throws `invalid("data-missing" | "data-too-small" | "label-..." | "loss-..." | "weights-none" | "finetune-options")` and
 * `unsupported("gradient-missing" | "integer-model" | ...)` before anything is trained, `failed("training-nan")`, and
 * `failed("training-stopped")` when the signal ended it and a checkpoint was written.
 */
export async function finetune(
  model: Model,
  settings: FinetuneSettings = {},
  options: FinetuneOptions = {},
): Promise<FinetuneResult> {
  const { onEntry, checkpoint, checkpointEvery, resume, findNan, ...services } = options;
  const store = typeof checkpoint === "string" ? checkpointFile(checkpoint) : checkpoint;
  const run: FinetuneRun = { onEntry, checkpoint: store, checkpointEvery, resume, findNan };
  const stated: RecipeStep = { ...settings, method: "finetune" };
  const { done, seconds, ...made } = await runStep(model, stated, services, (given, parsed: StepOptions, context) =>
    finetuneModel(given, parsed, context, run),
  );
  const { log, before, best, stopped, skipped, samples } = done;
  return {
    ...made,
    log,
    training: trainingReport(done, seconds),
    stopped,
    skipped,
    samples,
    ...(before && { before }),
    ...(best && { best }),
  };
}
