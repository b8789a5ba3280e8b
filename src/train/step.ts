// One training step as one model: forward pass, losses, backward pass and optimizer, all ordinary ONNX nodes. Its inputs
// are a batch, labels, a few numbers and the state; its outputs are figures and the next state.
// Long because it is the one place where the parts of a step meet, in the order in which they are written.

import { internal, invalid } from "../base/errors.js";
import type { Note } from "../base/note.js";
import { parseOptions } from "../base/options.js";
import type { Sample } from "../data/dataset.js";
import type { Model } from "../ir/model.js";
import type { Value } from "../tensor/value.js";
import type { Attached, ExtraInput, ExtraWeight } from "./attached.js";
import { backward } from "./backward.js";
import { type Block, blocksOf, type Group, unpack, unpackedIn } from "./blocks.js";
import { constrained } from "./constraint.js";
import type { Emitter, ValueShape } from "./emitter.js";
import { losses } from "./losses/index.js";
import { optimizers } from "./optimizers/index.js";
import { countUnderflow, Rounding } from "./precision.js";
import { type Prepared, type TrainableWeight, withWeights } from "./prepared.js";
import type { RecomputeOptions } from "./recompute/recompute.js";
import type { WriteSite } from "./rewrite.js";
import { evaluationModel, SAMPLE_WEIGHT } from "./step-evaluation.js";
import { type Mask, writeForward } from "./step-forward.js";
import { chooseLosses, type LossChoice, writeLosses } from "./step-losses.js";
import {
  groupsOf,
  movedStatistics,
  statisticsBlock,
  trainedWeights,
  usedStatistics,
  type WeightChoices,
} from "./step-weights.js";
import { type StateKind, StepWriter } from "./step-writer.js";
import { writeUpdate } from "./update.js";

export type { LossChoice } from "./step-losses.js";

export interface OptimizerChoice {
  readonly name: string;
  readonly [option: string]: unknown;
}

export interface StepOptions extends WeightChoices {
  readonly losses: readonly LossChoice[];
  readonly optimizer: OptimizerChoice;
  /** Largest norm of the whole gradient. */
  readonly clipNorm?: number | undefined;
  /** Largest magnitude of one element of the gradient. */
  readonly clipValue?: number | undefined;
  /**
   * Batches that make one update; default 1. The update is that of one large batch, where all losses count samples alike;
   * else (several losses, of which some have class weights or ignored positions) that of the mean of the batches.
   */
  readonly accumulate?: number | undefined;
  /** Decay of an exponential moving average of the weights, below 1; default: none is kept. */
  readonly average?: number | undefined;
  readonly precision?: "float32" | "float16" | "bfloat16" | undefined;
  /** Whether the loss is multiplied with `lossScale` while it is differentiated; default: where the precision is low. */
  readonly scaling?: boolean | undefined;
  /** Whether gradients that rounding makes 0 are counted; takes a few passes over all gradients. Default false. */
  readonly underflow?: boolean | undefined;
  /** What batch normalisation uses: the batch's statistics, or the running ones. Default "frozen". */
  readonly bn?: "train" | "frozen" | undefined;
  /** Dropout after nodes: name or pattern to rate. */
  readonly dropout?: Readonly<Record<string, number>> | undefined;
  /**
   * What other methods add. Penalties are added to what is differentiated; the losses that are told are without. Result
   * "penalty", where there are any.
   */
  readonly attached?: Attached | undefined;
  /** Activations are computed again in the backward pass, in less memory; default: they are kept. */
  readonly recompute?: RecomputeOptions | undefined;
  /** Channels in a block of the runtime's layout for convolutions (train/probe-block), or 0 for the plain one; default 0. */
  readonly block?: number | undefined;
  /** Whether the model's outputs are results too. Default false: a language model's are large. */
  readonly outputs?: boolean | undefined;
}

export interface StateSlot {
  readonly input: string;
  readonly output: string;
  /** float32 */
  readonly shape: ValueShape;
  readonly kind: StateKind;
  /** The one prepared weight it belongs to; undefined where it holds several in a row. */
  readonly weight?: string | undefined;
  /** A fresh copy of its value before the first step. */
  initial(): Promise<Value>;
}

export interface TargetInput {
  readonly input: string;
  readonly shape: ValueShape;
  /** Throws `invalid("label-...")` with the place of the sample. */
  collate(labels: readonly Sample["label"][]): Value;
}

export interface StepScalars {
  readonly lossScale: number;
  /** Whether this batch completes an update (`accumulate` above 1). */
  readonly apply: boolean;
  /** Whether it is the first of an update. */
  readonly fresh: boolean;
  /** From 0 at the first update to 1 at the last; default 0. */
  readonly progress?: number | undefined;
}

export interface StepGraph {
  readonly model: Model;
  readonly batch: number;
  /** Inputs of data. */
  readonly feeds: readonly string[];
  /** Inputs of labels. "pare.sample_weight" (float32 [batch]) always exists beside them. */
  readonly targets: readonly TargetInput[];
  /** Inputs that methods supply. */
  readonly supplied: readonly ExtraInput[];
  /** Dropout: 0, or 1 / (1 - rate), filled by the loop at every step. */
  readonly masks: readonly Mask[];
  /** float32 scalars that are fed at every step. */
  readonly scalars: readonly string[];
  readonly state: readonly StateSlot[];
  /**
   * Outputs that are no state: "loss" (mean over the weights of samples), "per_sample_loss" [batch], "gradient_norm"
   * (before clipping), "finite" (1 or 0), "loss.<name>" where there are several, "penalty"; where asked for, the model's outputs, and
   * "gradient_count" (elements that are not 0 before they are rounded), "underflow" (those that become 0),
   * "underflow_unscaled" (those that would at a loss scale of 1).
   */
  readonly results: readonly string[];
  /** The forward pass as it is when used, and the losses: weights and statistics are initializers by prepared name. */
  readonly evaluation: Model;
  readonly notes: readonly Note[];
  /** Numbers for update `t` (1 for the first) at learning rate `lr`, by `scalars`. */
  scalarsAt(t: number, lr: number, more: StepScalars): Record<string, number>;
  /** Weights (those of methods too) and statistics by prepared name, from states read back (by input); `averaged`: the moving averages. */
  weights(state: Readonly<Record<string, Value>>, averaged?: boolean): Map<string, Value>;
}

const RATE = "pare.learning_rate";
const SCALE = "pare.loss_scale";
const APPLY = "pare.apply";
const FRESH = "pare.fresh";
const PROGRESS = "pare.progress";

/**
 * Throws `invalid("loss-none")`, `invalid("weights-none")` when nothing is left to train, `unsupported("gradient-missing")`, and what choosing losses,
 * optimizer and patterns throws. Nothing is read and nothing runs.
 */
export function buildStep(given: Prepared, options: StepOptions): StepGraph {
  const { attached = {} } = options;
  const { constraints = [], rewrites = [], terms = [], inputs: supplied = [], weights: extra = [] } = attached;
  const prepared = extra.length === 0 ? given : withWeights(given, extra);
  const chosen = chooseLosses(prepared, options.losses);
  if (chosen.length + terms.length === 0) {
    throw invalid("loss-none", "There is no loss to train with.", { expected: losses.names.join(", ") });
  }
  const reads = [...chosen.flatMap((loss) => [loss.reads, ...loss.others]), ...terms.flatMap((term) => term.reads)];
  const { name: optimizerName, ...own } = options.optimizer;
  const optimizer = optimizers.get(optimizerName);
  const settings = parseOptions(optimizer, own, "optimizer");
  const { clipNorm, clipValue, average } = options;
  const { weights: inModel, notes } = trainedWeights(prepared, reads, options);
  const added = extra.map(({ name, dims }): TrainableWeight => ({ name, source: name, dims }));
  const weights = [...inModel, ...added];
  const projected = (weight: TrainableWeight) => constraints.some((one) => one.project && one.applies(weight));
  const blocks = blocksOf(weights, groupsWith(extra, groupsOf(prepared, options)), projected);

  const step = new StepWriter(prepared, new Set(weights.map(({ name }) => name)), options.block ?? 0);
  const { emit } = step;
  for (const name of prepared.inputs) step.feed(name);
  const targets = chosen.flatMap(({ labels }) => labels ?? []);
  for (const { input, shape } of targets) step.data(input, shape);
  for (const { name, shape } of supplied) step.data(name, shape);
  step.data(SAMPLE_WEIGHT, { dtype: "float32", dims: [prepared.batch] });

  // What each weight is in the graph, and what the forward pass reads instead of each initializer that varies.
  const states = new Map<Block, string>();
  const values = new Map<string, string>();
  for (const block of blocks) {
    const state = step.state("weight", block.name, block, true);
    states.set(block, state);
    for (const [weight, value] of unpackedIn(emit, block, state)) values.set(weight, value);
  }
  const site: WriteSite = {
    emit,
    weight: (name) => values.get(name),
    progress: () => step.scalar(PROGRESS),
    training: true,
  };
  const names = new Map(
    weights.map((weight) => [weight.name, constrained(site, constraints, weight, values.get(weight.name)!)]),
  );
  const statistics = options.bn === "train" ? usedStatistics(prepared, reads) : [];
  const running = statisticsBlock(prepared, statistics);
  const runningState = running && step.state("statistics", running.name, running, true);
  if (running) for (const [name, value] of unpackedIn(emit, running, runningState!)) names.set(name, value);

  const precision = options.precision ?? "float32";
  const rounding = precision === "float32" ? undefined : new Rounding(emit, precision);
  const penalties = (attached.penalties ?? []).map((penalty) => penalty.write(site));
  const penalty = penalties.length === 0 ? undefined : penalties.reduce((sum, one) => emit.add(sum, one));
  const stored = emit.nodes.slice();
  const dropout = options.dropout ?? {};
  const forward = writeForward(emit, prepared, names, { statistics, dropout, rounding, rewrites, site });
  for (const { input } of forward.masks) step.feed(input);
  const passed = rounding === undefined ? emit.nodes.slice() : [...stored, ...rounding.differentiated];
  const on = { emit, value: forward.value, weights: SAMPLE_WEIGHT, batch: prepared.batch };
  const lossNodes = writeLosses(on, chosen, terms, site);
  const nodes = [...passed, ...lossNodes.nodes];
  const accumulates = (options.accumulate ?? 1) > 1;
  const lossScale = (options.scaling ?? rounding !== undefined) ? step.scalar(SCALE) : undefined;
  const convert = rounding && ((gradient: string, of: string) => rounding.gradient(gradient, of));
  const { gradients: ends, share } = lossNodes.backward(lossScale, accumulates);
  const seeds = new Map([...ends].map(([read, gradient]) => [read, convert?.(gradient, read) ?? gradient]));
  if (penalty !== undefined) seeds.set(penalty, penaltySeed(emit, lossScale, accumulates ? share : undefined));
  const found = backward({ nodes, loss: seeds, targets: [...values.values()], ...(convert && { convert }) }, emit);

  const { norm, finite } = writeUpdate(
    emit,
    { optimizer, settings, clipNorm, clipValue, average, constraints },
    {
      blocks,
      gradient: (weight) => found.get(values.get(weight.name)!),
      weight: (block) => states.get(block)!,
      rate: step.scalar(RATE),
      lossScale,
      accumulation: accumulates ? { apply: step.scalar(APPLY), fresh: step.scalar(FRESH), share } : undefined,
      scalar: (name) => step.scalar(`pare.${name}`),
      state: (kind, name, block) => step.state(kind, `pare.${name}.${block?.name ?? "all"}`, block, kind === "average"),
      next: (before, after) => step.next(before, after),
    },
  );

  // Behind the backward pass: what is computed again must not be asked for before.
  if (running) step.next(runningState!, movedStatistics(emit, running, runningState!, forward.statistics));
  step.result("loss", lossNodes.loss);
  step.result("per_sample_loss", lossNodes.perSample);
  step.result("gradient_norm", norm);
  step.result("finite", finite);
  if (penalty !== undefined) step.result("penalty", penalty);
  if (lossNodes.named.size > 1) for (const [name, mean] of lossNodes.named) step.result(`loss.${name}`, mean);
  if (rounding !== undefined && precision !== "float32" && options.underflow === true) {
    const counts = countUnderflow(emit, rounding.pairs, lossScale, precision);
    step.result("gradient_count", counts.gradients);
    step.result("underflow", counts.lost);
    step.result("underflow_unscaled", counts.lostUnscaled);
  }
  if (options.outputs === true) for (const { name } of prepared.model.graph.outputs) step.output(name);

  const { recompute } = options;
  const written = step.model(recompute && { differentiated: [...ends.keys()], options: recompute });
  return {
    model: written.model,
    batch: prepared.batch,
    feeds: prepared.inputs,
    targets,
    supplied,
    masks: forward.masks,
    scalars: step.scalars,
    state: step.states.map((state) => {
      const { input, kind, block } = state;
      const alone = block?.weights.length === 1 ? block.weights[0]!.name : undefined;
      const shape: ValueShape = { dtype: "float32", dims: block?.dims ?? [] };
      return { input, output: step.after(input), shape, kind, weight: alone, initial: () => step.initial(state) };
    }),
    results: step.results,
    evaluation: evaluationModel(prepared, chosen, weights, attached),
    notes: [...notes, ...written.notes],
    scalarsAt(t, lr, { lossScale: scale, apply, fresh, progress = 0 }) {
      const all: Record<string, number> = {
        [RATE]: lr,
        [SCALE]: scale,
        [APPLY]: Number(apply),
        [FRESH]: Number(fresh),
        [PROGRESS]: progress,
      };
      const more = optimizer.scalars?.(t, settings) ?? {};
      for (const [name, value] of Object.entries(more)) all[`pare.${name}`] = value;
      return Object.fromEntries(step.scalars.map((name) => [name, all[name]!]));
    },
    weights(state, averaged = false) {
      const kind = averaged ? "average" : "weight";
      const read = step.states.filter((one) => one.kind === kind || one.kind === "statistics");
      return new Map(
        read.flatMap(({ input, block }) => {
          const value = state[input];
          if (value === undefined) throw internal(`the state "${input}" was not read`);
          return [...unpack(block!, value)];
        }),
      );
    },
  };
}

/** Weights of methods have a rate and decay of their own. */
function groupsWith(extra: readonly ExtraWeight[], groupOf: (weight: TrainableWeight) => Group) {
  const groups = new Map(extra.map(({ name, rate = 1, decay = 0 }) => [name, { rate, decay }]));
  return (weight: TrainableWeight): Group => groups.get(weight.name) ?? groupOf(weight);
}

/** The gradient of a penalty: the loss scale, times the batch's share of an update where batches are added up. */
function penaltySeed(emit: Emitter, scale: string | undefined, share: string | undefined): string {
  const seed = scale ?? emit.number(1);
  return share === undefined ? seed : emit.mul(seed, share);
}
