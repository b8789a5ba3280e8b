// The finetune step: a model and labelled data go in, the same model with trained weights comes out. Prepares the graph,
// appends losses, gradients and optimizer, runs the loop, and puts the weights back into the user's file.

import { invalid } from "../base/errors.js";
import { info, type Note, warning } from "../base/note.js";
import type { Dataset } from "../data/dataset.js";
import type { AugmentInput } from "../data/index.js";
import type { Model } from "../ir/model.js";
import { defineStep, type StepContext } from "../step/step.js";
import type { Value } from "../tensor/value.js";
import { type Attach, type Attached, joined } from "./attached.js";
import { firstBatch } from "./batches.js";
import { type Evaluation, evaluate } from "./evaluate.js";
import { type FinetuneOptions, finetuneOptions } from "./finetune-options.js";
import {
  batchNorm,
  checkOptions,
  loopOptions,
  losses,
  startWeights,
  stepOptions,
  teacherOf,
  zerosKept,
} from "./finetune-plan.js";
import { inputsOf, train } from "./loop.js";
import type { LoopOptions, TrainLogEntry, TrainResult } from "./loop-options.js";
import { prepare } from "./prepare.js";
import type { Prepared } from "./prepared.js";
import { probeBlock } from "./probe-block.js";
import { buildStep, type StepGraph } from "./step.js";
import { chooseLosses } from "./step-losses.js";
import { trainedWeights } from "./step-weights.js";
import { underflowOf } from "./training-report.js";

/** What a recipe does not say: where a run is kept, who listens, and what another method does to the weights meanwhile. */
export interface FinetuneRun
  extends Pick<LoopOptions, "checkpoint" | "checkpointEvery" | "resume" | "findNan" | "target" | "choose"> {
  readonly onEntry?: ((entry: TrainLogEntry) => void) | undefined;
  readonly attach?: Attach | undefined;
  /** Terms are the loss, where the options state none: labels are not needed. Default: where there is a teacher. */
  readonly labelFree?: boolean | undefined;
}

export interface Finetuned extends Omit<TrainResult, "weights"> {
  readonly model: Model;
  /** What the model gave on the held-out part before it was trained. */
  readonly before?: Evaluation;
  /** Trained weights of what was attached, by name. */
  readonly extra: ReadonlyMap<string, Value>;
  /** Of the parts; 0: there is none. Of streams, what was read. */
  readonly samples: { readonly train: number; readonly held: number; readonly measure: number | undefined };
}

/**
 * Trains the weights of a model on the train part of the data; the calibrate part chooses among them, the measure part is
 * not read. Throws `invalid("data-missing" | "data-too-small" | "label-..." | "loss-..." | "weights-none" |
 * "finetune-options")`, `unsupported("gradient-missing" | "integer-model" | ...)` naming node and operator before anything
 * runs, and what `train` throws.
 */
export async function finetuneModel(
  model: Model,
  options: FinetuneOptions,
  context: StepContext,
  { onEntry, attach, labelFree, ...run }: FinetuneRun = {},
): Promise<Finetuned> {
  const { data } = context;
  const begun = await planned(model, options, context, { attach, labelFree });
  const { step, prepared, samples, held, notes, seed, attached } = begun;
  try {
    const { supply } = attached;
    const before = held && (await evaluate(step, inputsOf(step), new Map(), held, context, { supply }));
    const loop = { ...loopOptions(options, seed, attached.settings), interlude: attached.interlude, ...run };
    const { weights, ...result } = await train(step, { train: samples, held, supply }, loop, context, onEntry);
    const found = [...outcome(before, result), ...lost(result.log, options)];
    const own = new Set(attached.weights?.map(({ name }) => name));
    const [extra, trained] = [true, false].map(
      (which) => new Map([...weights].filter(([name]) => own.has(name) === which)),
    );
    return {
      ...result,
      model: await prepared.restore(trained!),
      extra: extra!,
      notes: [...notes, ...result.notes, ...found],
      ...(before && { before }),
      samples: { train: samples.size ?? 0, held: before?.samples ?? 0, measure: data.split("measure").size },
    };
  } finally {
    await attached.release?.();
  }
}

/** What `finetuneModel` would look at before it trains: the loss and metric on the held-out part, where there is one. */
export async function heldOutEvaluation(
  model: Model,
  options: FinetuneOptions,
  context: StepContext,
): Promise<Evaluation | undefined> {
  if (heldOut(context.data, []) === undefined) return undefined;
  const train = context.data.split("train");
  const part = train.size === 0 ? context.data.split("calibrate") : train;
  const plain = { ...options, init: undefined, keepZeros: false, augment: undefined };
  const { step, held, attached } = await planned(model, plain, context, { part });
  try {
    return held && (await evaluate(step, inputsOf(step), new Map(), held, context, { supply: attached.supply }));
  } finally {
    await attached.release?.();
  }
}

interface Planned {
  readonly step: StepGraph;
  readonly prepared: Prepared;
  readonly samples: Dataset;
  readonly held: Dataset | undefined;
  readonly notes: Note[];
  readonly seed: number;
  readonly attached: Attached;
}

/** Everything up to the first run of a step. */
async function planned(
  model: Model,
  options: FinetuneOptions,
  context: StepContext,
  {
    part,
    attach,
    labelFree = options.teacher !== undefined,
  }: Pick<FinetuneRun, "attach" | "labelFree"> & { readonly part?: Dataset },
): Promise<Planned> {
  const { data } = context;
  if (data.synthetic) {
    throw invalid("data-missing", "Training needs data, with labels.", {
      hint: "Give it with --data: a dataset.json, a folder, a file (docs/data.md).",
    });
  }
  const notes: Note[] = [];
  const held = heldOut(data, notes);
  checkOptions(options, held !== undefined);
  const seed = options.seed ?? context.seed ?? 0;
  const samples = augmented(part ?? trainPart(data), options);
  const feeds = await firstBatch(samples, options.batch, options.lastBatch === "pad");
  const bn = batchNorm(options, samples.size);
  let prepared = await prepare(model, { feeds, bn: bn === "fold" ? "fold" : "keep" }, context);
  notes.push(...prepared.notes);
  const byLabels = options.loss !== undefined || !labelFree;
  const chosen = byLabels ? await losses(options, prepared, samples, notes) : [];
  const reads = byLabels
    ? chooseLosses(prepared, chosen).map((loss) => loss.reads)
    : prepared.model.graph.outputs.map(({ name }) => name);
  const { weights } = trainedWeights(prepared, reads, options);
  if (options.init !== undefined) prepared = await startWeights(prepared, weights, options, seed, notes);
  if (prepared.statistics.length > 0) notes.push(info("batch-norm", BATCH_NORM[bn]));
  const kept = options.keepZeros ? await zerosKept(prepared, weights, notes) : [];
  // The blocked layout is faster and holds more copies: who asks for recomputation has too little memory.
  const block = options.recompute === false ? await probeBlock(context) : 0;
  const parts: Attached[] = [{ constraints: kept }];
  try {
    const site = { prepared, weights, samples, context, seed };
    for (const one of [attach, teacherOf(options)]) if (one) parts.push(await one(site));
    const attached = joined(parts);
    const step = buildStep(prepared, { ...stepOptions(options, chosen, bn), attached, block });
    notes.push(...(attached.notes ?? []), ...step.notes);
    return { step, prepared, samples, held, notes, seed, attached };
  } catch (error) {
    for (const { release } of parts) await release?.();
    throw error;
  }
}

const BATCH_NORM = {
  train: "Batch normalisation is trained by the statistics of each batch; the running ones follow.",
  frozen: "Batch normalisation keeps its running statistics (--bn frozen).",
  fold: "Batch normalisation is joined with the layers before it.",
} as const;

function trainPart(data: Dataset): Dataset {
  const part = data.split("train");
  if (part.size !== 0) return part;
  throw invalid("data-part-empty", `${data.name} has no samples for training.`, {
    hint: 'State the shares of its parts: "split": { "train": 0.6, "calibrate": 0.2, "measure": 0.2 } (docs/data.md).',
  });
}

/** The part that chooses, where the dataset has one. */
function heldOut(data: Dataset, notes: Note[]): Dataset | undefined {
  const held = data.split("calibrate");
  if (held.size !== 0) return held;
  const text = "No part of the dataset is held out: the last weights are kept, whatever they are worth.";
  notes.push(warning("held-out-none", `${text} State "calibrate" in its split.`));
  return undefined;
}

function augmented(data: Dataset, { augment }: FinetuneOptions): Dataset {
  if (augment === undefined) return data;
  if (data.augmented !== undefined) return data.augmented(augment as AugmentInput);
  throw invalid("augment-unfit", `The samples of ${data.name} cannot be augmented: they come ready from a program.`);
}

/** What training brought, in one sentence; a warning where it brought nothing. */
function outcome(before: Evaluation | undefined, { log, best }: Omit<TrainResult, "weights">): Note[] {
  if (before === undefined || best === undefined) return [];
  const { held } = best;
  const after = held.metric ?? { name: "loss", value: held.loss, better: "lower" as const };
  const old = before.metric?.value ?? before.loss;
  const worse = after.better === "higher" ? after.value < old : after.value > old;
  const text = `Held-out ${after.name} ${digits(old)} before, ${digits(after.value)} after ${best.step} of ${log.at(-1)?.steps ?? best.step} updates.`;
  if (!worse) return [info("trained", text)];
  return [warning("trained-worse", `${text} Try a smaller learning rate, more data, or more epochs.`)];
}

/** What low precision cost, and what the loss scale saved. */
function lost(log: TrainResult["log"], { precision }: FinetuneOptions): Note[] {
  const share = underflowOf(log);
  if (share === undefined) return [];
  const percent = (part: number) => `${(100 * part).toFixed(2)} %`;
  const text = `${percent(share.lost)} of the gradients that were not 0 became 0 in ${precision}; without the loss scale it would have been ${percent(share.unscaled)}.`;
  return [info("underflow", text)];
}

const digits = (value: number) => Number(value.toPrecision(4)).toString();

/** `{ method: "finetune", epochs, lr, ... }`. */
export const finetuneStep = defineStep({
  name: "finetune",
  summary: "Train the weights on labelled data: the backward pass and the optimizer as ONNX operators",
  options: finetuneOptions,
  async apply(model, options, context) {
    const { model: trained, notes } = await finetuneModel(model, options, context);
    return { model: trained, notes };
  },
});
