// The prune step: a schedule over one of three kinds of structure, with recovery after each of its steps.

import { invalid, unsupported } from "../base/errors.js";
import type { Note } from "../base/note.js";
import type { Model } from "../ir/model.js";
import { defineStep, type StepContext } from "../step/step.js";
import type { TrainLogEntry } from "../train/loop-options.js";
import { channelPruner, planPruner } from "./channels/pruner.js";
import { graphPruner } from "./graph-pruner.js";
import { induceBefore } from "./induce/before-channels.js";
import { pruneMasksGradually } from "./masks/gradual.js";
import type { MaskOptions } from "./masks/masks.js";
import { maskPruner, zerosNotes } from "./masks/pruner.js";
import { type PruneOptions, pruneOptions } from "./options.js";
import type { Outcome, Pruner } from "./pruner.js";
import { type Recovered, recover } from "./recover/recover.js";
import { maskGoal, type Settled, settle } from "./settle.js";
import type { MaskStructure } from "./structures/structure.js";

/** What a recipe does not hold. */
export interface PruneRun {
  /** What weights "rewind" to: a model of the same tensors as the given one. */
  readonly earlier?: Model | undefined;
  readonly onEntry?: ((entry: TrainLogEntry) => void) | undefined;
}

export interface Pruned extends Omit<Outcome, "notes"> {
  readonly model: Model;
  readonly notes: readonly Note[];
  /** Zeros were written into weights: they are worth storing as such. */
  readonly masked: boolean;
  /** Of the last training, where there was any. */
  readonly recovered?: Recovered;
}

/**
 * Throws `invalid("prune-options")` for options that contradict each other or would do nothing, `invalid("goal-..." |
 * "pattern-...")`, what scores throw that need data, and what fine-tuning throws.
 */
export async function pruneModel(
  model: Model,
  options: PruneOptions,
  context: StepContext,
  run: PruneRun = {},
): Promise<Pruned> {
  const settled = settle(options);
  if (options.gradual) return gradually(model, settled, options, context, run);
  const { onEntry } = run;
  const earlier = run.earlier ?? (await earlierModel(options, context));
  const induced =
    options.induce === undefined ? undefined : await induceBefore(model, settled, options, context, { onEntry });
  const start = induced?.model ?? model;
  const pruner = await open(start, settled, options, context);
  let notes: Note[] = [];
  let current = start;
  let recovered: Recovered | undefined;
  const training: Note[] = [...(induced?.notes ?? [])];
  for (let step = 1; step <= settled.steps; step++) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ task: "prune", done: step - 1, total: settled.steps });
    const cut = await pruner.step(current, settled.schedule.shareAt(step, settled.steps, pruner.share));
    // What each step says again, the last one says best.
    const said = new Set(cut.notes.map(({ code }) => code));
    notes = [...notes.filter(({ code, level }) => level === "warning" && !said.has(code)), ...cut.notes];
    current = cut.model;
    // A small share may be less than one channel of any layer.
    if (current === start) continue;
    const after = await recover(
      current,
      {
        finetune: options.finetune,
        weights: options.weights,
        earlier: earlier && (await pruner.earlier(earlier)),
        masked: pruner.masked,
        recovered: options.recovered,
        original: model,
        batchNormSamples: options.batchNormSamples,
      },
      context,
      { onEntry },
    );
    training.push(...after.notes);
    current = after.model;
    if (after.finetuned) recovered = after;
  }
  const { notes: more, ...outcome } = pruner.outcome();
  return {
    ...outcome,
    masked: pruner.masked,
    model: current,
    notes: [...notes, ...training, ...more],
    ...(recovered && { recovered }),
  };
}

/** Zeros that are written while the weights are trained, in place of steps. */
async function gradually(
  model: Model,
  settled: Settled,
  options: PruneOptions,
  context: StepContext,
  { onEntry }: PruneRun,
): Promise<Pruned> {
  const { gradual, finetune, batchNormSamples } = options;
  const masks = masksOf(settled, options, context);
  const training = { ...gradual, finetune: finetune!, batchNormSamples };
  const { table, ...recovered } = await pruneMasksGradually(model, masks, training, context, { onEntry });
  return { model: recovered.model, notes: [...recovered.notes, ...zerosNotes(masks)], table, masked: true, recovered };
}

async function earlierModel({ earlier, weights }: PruneOptions, context: StepContext): Promise<Model | undefined> {
  if (earlier === undefined) return undefined;
  if (weights !== "rewind") {
    throw invalid("prune-options", "An earlier model is for rewinding alone.", {
      found: `earlier "${earlier}", weights "${weights}"`,
      hint: "State weights rewind, or leave earlier out.",
    });
  }
  if (context.load !== undefined) return context.load(earlier);
  throw unsupported("prune-earlier", `Models cannot be loaded here: hand the earlier model to the library.`);
}

/** What options come to for structures that write zeros. */
function masksOf(
  { structure, score, scope, ...settled }: Settled,
  { keep, only, layers, seed, normalise, scoreSamples, scoreBatch, scoreLoss }: PruneOptions,
  context: StepContext,
): MaskOptions {
  const method = structure.method as MaskStructure;
  return {
    structure: { method, options: structure.options },
    score,
    scope,
    scoreOptions: { ...score.options, normalise, scoreSamples, scoreBatch, scoreLoss, seed: seed ?? context.seed },
    goal: maskGoal({ structure, goal: settled.goal }),
    keep,
    only,
    layers,
  };
}

async function open(model: Model, settled: Settled, options: PruneOptions, context: StepContext): Promise<Pruner> {
  if (options.plan) return planPruner(options, context);
  const { structure, steps } = settled;
  if (structure.method.kind === "mask")
    return maskPruner(model, masksOf(settled, options, context), steps > 1, context);
  if (structure.method.kind === "group") return channelPruner(model, settled, options, context);
  return graphPruner(settled, options, context);
}

/** `{ method: "prune", structure, score, scope, ratio, ... }`. */
export const pruneStep = defineStep({
  name: "prune",
  summary: "Remove what matters least: zeros in weights, channels, heads, layers; with schedules and fine-tuning",
  options: pruneOptions,
  async apply(model, options, context) {
    const { model: pruned, notes } = await pruneModel(model, options, context);
    return { model: pruned, notes };
  },
});
