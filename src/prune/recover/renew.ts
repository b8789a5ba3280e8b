// New running statistics of batch normalisation where they serve: the old ones stay where the held-out part says that they are
// better. A model that was trained on augmented samples has their statistics, and plain samples may have others.

import { PareError } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import type { AugmentInput } from "../../data/index.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Evaluation } from "../../train/evaluate.js";
import { heldOutEvaluation } from "../../train/finetune.js";
import { type FinetuneOptions, finetuneOptions } from "../../train/finetune-options.js";
import { reestimateBatchNorm } from "./batch-norm.js";

export interface Renewal {
  /** 0: nothing is done; default: see `reestimateBatchNorm`. */
  readonly samples: number | undefined;
  /** Whose augmentation, seed, batch and loss are taken. */
  readonly finetune: FinetuneOptions | undefined;
  /** Of the model as it is, where it is known. */
  readonly held?: Evaluation | undefined;
}

export async function renewBatchNorm(
  model: Model,
  { samples, finetune, held: known }: Renewal,
  context: StepContext,
): Promise<{ readonly model: Model; readonly notes: readonly Note[] }> {
  if (samples === 0) return { model, notes: [] };
  const { seed, augment } = finetune ?? {};
  const changes = augment as AugmentInput | undefined;
  const renewed = await reestimateBatchNorm(model, context, { samples, seed, augment: changes });
  if (renewed.model === model) return renewed;
  const options = finetune ?? finetuneOptions.parse({ lastBatch: "pad" });
  const held = known ?? (await judged(model, options, context));
  const now = held && (await judged(renewed.model, options, context));
  if (held === undefined || now === undefined) return renewed;
  const losses = `held-out loss ${digits(held.loss)} with the old, ${digits(now.loss)} with the new`;
  if (now.loss <= held.loss) {
    return { ...renewed, notes: [...renewed.notes, info("batch-norm-better", `Running statistics: ${losses}.`)] };
  }
  const hint = "If the model was trained on augmented samples, say so: augment.";
  return {
    model,
    notes: [info("batch-norm-kept", `Running statistics of batch normalisation stay: ${losses}. ${hint}`)],
  };
}

/** Undefined where nothing can be said: no labels, no held-out part, or no loss that fits. */
async function judged(model: Model, options: FinetuneOptions, context: StepContext): Promise<Evaluation | undefined> {
  if (!context.data.labelled) return undefined;
  try {
    return await heldOutEvaluation(model, options, context);
  } catch (error) {
    if (error instanceof PareError && error.kind !== "internal") return undefined;
    throw error;
  }
}

const digits = (value: number) => Number(value.toPrecision(4)).toString();
