// finetune: the weights of a model trained on data, from the ONNX file alone. The step of that name, with what a recipe
// does not hold: a checkpoint to go on from, and the log line by line.

import type { Note } from "./base/note.js";
import { checkpointFile } from "./checkpoint-file.js";
import { applyPlan } from "./compress.js";
import type { Model } from "./ir/model.js";
import type { Training } from "./metrics/report.js";
import { parseRecipe, type RecipeStep } from "./recipe.js";
import { type ServiceOptions, withServices } from "./services.js";
import type { Step } from "./step/step.js";
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
  const { onEntry, checkpoint, checkpointEvery, resume, findNan, verify = false, ...services } = options;
  const store = typeof checkpoint === "string" ? checkpointFile(checkpoint) : checkpoint;
  const run: FinetuneRun = { onEntry, checkpoint: store, checkpointEvery, resume, findNan };
  const [planned] = parseRecipe([{ ...settings, method: "finetune" }]);
  return withServices(model, services, async (context) => {
    let done: Finetuned | undefined;
    const step: Step = {
      ...planned!.step,
      async apply(given, parsed, inner) {
        done = await finetuneModel(given, parsed as StepOptions, inner, run);
        return done;
      },
    };
    const begun = context.now();
    const made = await applyPlan(model, [{ ...planned!, step }], context, verify);
    const { log, before, best, stopped, skipped, samples } = done!;
    return {
      model: made.model,
      log,
      notes: [...context.notes, ...made.notes],
      training: trainingReport(done!, (context.now() - begun) / 1000),
      stopped,
      skipped,
      samples,
      ...(before && { before }),
      ...(best && { best }),
    };
  });
}
