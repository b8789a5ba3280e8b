// The prune step: a schedule over one of three kinds of structure, with recovery after each of its steps.

import type { Note } from "../base/note.js";
import type { Model } from "../ir/model.js";
import { defineStep, type StepContext } from "../step/step.js";
import type { TrainLogEntry } from "../train/loop-options.js";
import { channelPruner, planPruner } from "./channels/pruner.js";
import { graphPruner } from "./graph-pruner.js";
import { maskPruner } from "./masks/pruner.js";
import { type PruneOptions, pruneOptions } from "./options.js";
import type { Outcome, Pruner } from "./pruner.js";
import { type Recovered, recover } from "./recover/recover.js";
import { maskGoal, type Settled, settle } from "./settle.js";

/** What a recipe does not hold. */
export interface PruneRun {
  /** What weights "rewind" to: a model of the same tensors as the given one. */
  readonly earlier?: Model | undefined;
  readonly onEntry?: ((entry: TrainLogEntry) => void) | undefined;
}

export interface Pruned extends Omit<Outcome, "notes"> {
  readonly model: Model;
  readonly notes: readonly Note[];
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
  const pruner = await open(model, settled, options, context);
  let notes: Note[] = [];
  let current = model;
  let recovered: Recovered | undefined;
  const training: Note[] = [];
  for (let step = 1; step <= settled.steps; step++) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ task: "prune", done: step - 1, total: settled.steps });
    const cut = await pruner.step(current, settled.schedule.shareAt(step, settled.steps, pruner.share));
    // What each step says again, the last one says best.
    const said = new Set(cut.notes.map(({ code }) => code));
    notes = [...notes.filter(({ code, level }) => level === "warning" && !said.has(code)), ...cut.notes];
    current = cut.model;
    // A small share may be less than one channel of any layer.
    if (current === model) continue;
    const after = await recover(
      current,
      {
        finetune: options.finetune,
        weights: options.weights,
        earlier: run.earlier && (await pruner.earlier(run.earlier)),
        masked: pruner.masked,
        recovered: options.recovered,
        original: model,
        batchNormSamples: options.batchNormSamples,
      },
      context,
      { onEntry: run.onEntry },
    );
    training.push(...after.notes);
    current = after.model;
    if (after.finetuned) recovered = after;
  }
  const { notes: more, ...outcome } = pruner.outcome();
  return { ...outcome, model: current, notes: [...notes, ...training, ...more], ...(recovered && { recovered }) };
}

async function open(model: Model, settled: Settled, options: PruneOptions, context: StepContext): Promise<Pruner> {
  if (options.plan) return planPruner(options, context);
  const { structure, score, scope } = settled;
  const { keep, only, layers, seed } = options;
  if (structure.method.kind === "mask") {
    const { normalise, scoreSamples, scoreBatch, scoreLoss } = options;
    const masks = {
      structure: { method: structure.method, options: structure.options },
      score,
      scope,
      scoreOptions: { ...score.options, normalise, scoreSamples, scoreBatch, scoreLoss, seed: seed ?? context.seed },
      goal: maskGoal(settled),
      keep,
      only,
      layers,
    };
    return maskPruner(model, masks, settled.steps > 1, context);
  }
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
