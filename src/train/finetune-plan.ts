// What the options of a training come to, for a model that is prepared and the data it learns from.

import { invalid } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import type { Dataset } from "../data/dataset.js";
import type { Initializer } from "../ir/model.js";
import { float32, tensor } from "../tensor/tensor.js";
import type { Attach } from "./attached.js";
import { type Constraint, keepZeros } from "./constraint.js";
import { defaultLoss } from "./default-loss.js";
import type { FinetuneOptions } from "./finetune-options.js";
import { freshWeights } from "./init.js";
import type { LoopOptions } from "./loop-options.js";
import { optimizers } from "./optimizers/index.js";
import type { Prepared, TrainableWeight } from "./prepared.js";
import { SCALING } from "./scaling.js";
import type { LossChoice, OptimizerChoice, StepOptions } from "./step.js";
import { teacherOptions } from "./teacher/options.js";
import { withTeacher } from "./teacher/teacher.js";
import { nameTest } from "./weight-patterns.js";

const EPOCHS = 3;
/** From fresh weights the usual learning rate of an optimizer; weights that are good already are moved less. */
const TUNED = 0.1;
/** What decoupled decay is published with. */
const DECAY: Readonly<Record<string, number>> = { adamw: 0.01, lion: 0.01 };
/** From here on the statistics of a batch say enough of the data. */
const BATCH_FOR_STATISTICS = 16;
const SAMPLES_FOR_STATISTICS = 1000;

/** Throws `invalid("finetune-options")` for options that contradict each other. */
export function checkOptions(options: FinetuneOptions, held: boolean): void {
  const wrong = (text: string, hint: string) => invalid("finetune-options", text, { hint });
  if (options.epochs !== undefined && options.steps !== undefined) {
    throw wrong("epochs and steps both say how long to train.", "State one of them.");
  }
  if (options.patience !== undefined && !held) {
    throw wrong(
      "patience needs samples to look at, and the dataset has no part to calibrate on.",
      'Give it one: "split": { "calibrate": 0.1, "train": 0.9 } in dataset.json.',
    );
  }
}

/** How batch normalisation is treated: as stated, else by how much a batch says of the data. */
export function batchNorm(options: FinetuneOptions, samples: number | undefined): "train" | "frozen" | "fold" {
  if (options.bn !== undefined) return options.bn;
  const enough = options.batch >= BATCH_FOR_STATISTICS && (samples ?? 0) >= SAMPLES_FOR_STATISTICS;
  return options.init !== undefined || enough ? "train" : "frozen";
}

export async function losses(
  options: FinetuneOptions,
  prepared: Prepared,
  data: Dataset,
  notes: Note[],
): Promise<LossChoice[]> {
  const stated = options.loss === undefined ? [] : [options.loss].flat();
  let list = stated.map((one) => (typeof one === "string" ? { loss: one } : (one as LossChoice)));
  if (list.length === 0) {
    const { loss, note } = await defaultLoss(prepared, data);
    notes.push(note);
    list = [loss];
  }
  const { labelSmoothing: smoothing } = options;
  if (smoothing === undefined) return list;
  if (list.some(({ loss }) => loss === "cross-entropy")) {
    return list.map((one) => (one.loss === "cross-entropy" ? { ...one, smoothing } : one));
  }
  throw invalid("finetune-options", "Labels are smoothed for the loss cross-entropy only.", {
    found: list.map(({ loss }) => loss).join(", "),
  });
}

/** What the teacher of the options adds to a training. */
export function teacherOf({ teacher }: FinetuneOptions): Attach | undefined {
  if (teacher === undefined) return undefined;
  return withTeacher(typeof teacher === "string" ? teacherOptions.parse({ from: teacher }) : teacher);
}

const named = (choice: string | object) => (typeof choice === "string" ? { name: choice } : choice) as OptimizerChoice;

const lowPrecision = ({ precision }: FinetuneOptions) => precision !== "float32";

export function stepOptions(
  options: FinetuneOptions,
  list: readonly LossChoice[],
  bn: "train" | "frozen" | "fold",
): StepOptions {
  const optimizer = named(options.optimizer);
  return {
    losses: list,
    optimizer,
    weightDecay: options.weightDecay ?? DECAY[optimizer.name] ?? 0,
    groups: options.groups,
    train: options.train,
    freeze: options.freeze,
    clipNorm: options.clip,
    clipValue: options.clipValue,
    accumulate: options.accumulate,
    average: options.average,
    precision: options.precision,
    scaling: options.lossScale !== undefined || lowPrecision(options),
    bn: bn === "train" ? "train" : "frozen",
    dropout: options.dropout === undefined ? undefined : dropoutRates(options.dropout),
    underflow: lowPrecision(options),
    recompute: recomputed(options.recompute),
  };
}

function recomputed(stated: FinetuneOptions["recompute"]): StepOptions["recompute"] {
  if (stated === false) return undefined;
  if (stated === true) return {};
  if (typeof stated === "number") return { segments: stated };
  const tests = stated.map(nameTest);
  return { recomputes: (label) => tests.some((test) => test(label)) };
}

/** `fc1=0.5,fc2=0.2` as an object. Throws `invalid("option-invalid")`. */
function dropoutRates(stated: string | Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  if (typeof stated !== "string") return stated;
  return Object.fromEntries(
    stated.split(",").map((part) => {
      const [, pattern, text] = /^\s*(.+)=\s*([\d.eE+-]+)\s*$/.exec(part) ?? [];
      const rate = Number(text);
      if (pattern !== undefined && rate >= 0 && rate < 1) return [pattern, rate];
      throw invalid("option-invalid", `"${part}" is no dropout.`, {
        expected: "a name or pattern and a rate from 0 to below 1: fc1=0.5",
        found: part,
      });
    }),
  );
}

/** `more`: what another method does meanwhile, for the identity of checkpoints. */
export function loopOptions(
  options: FinetuneOptions,
  seed: number,
  more: Readonly<Record<string, unknown>> = {},
): LoopOptions {
  const optimizer = named(options.optimizer);
  const lr = options.lr ?? optimizers.get(optimizer.name).rate * (options.init === undefined ? TUNED : 1);
  const { lossScale } = options;
  const scaled = lossScale !== undefined || lowPrecision(options);
  const constant = typeof lossScale === "number" ? { constant: true, initial: lossScale } : {};
  return {
    ...(options.steps === undefined ? { epochs: options.epochs ?? EPOCHS } : { steps: options.steps }),
    accumulate: options.accumulate,
    lr,
    schedule: { ...named(options.schedule), warmup: options.warmup },
    lastBatch: options.lastBatch ?? "pad",
    seed,
    evaluateEvery: options.evaluateEvery,
    patience: options.patience,
    minDelta: options.minDelta,
    ...(scaled ? { scaling: { ...SCALING, ...constant } } : {}),
    settings: JSON.parse(JSON.stringify({ ...options, ...more })) as Record<string, unknown>,
  };
}

/** Fresh weights; with `keepZeros` those that are zero in the given model stay so: a pruned model is trained from the start. */
export async function startWeights(
  given: Prepared,
  weights: readonly TrainableWeight[],
  { init, keepZeros }: FinetuneOptions,
  seed: number,
  notes: Note[],
): Promise<Prepared> {
  const only = new Set(weights.map(({ name }) => name));
  const fresh = freshWeights(given, { init: init!, seed, only });
  notes.push(...fresh.notes);
  if (!keepZeros) return fresh.prepared;
  const { model } = fresh.prepared;
  const initializers = new Map(model.graph.initializers);
  for (const { name, dims } of weights) {
    if (dims.length < 2) continue;
    const [before, after] = [await valuesOf(given, name), await valuesOf(fresh.prepared, name)];
    initializers.set(
      name,
      float32(
        dims,
        after.map((value, i) => (before[i] === 0 ? 0 : value)),
      ),
    );
  }
  return { ...fresh.prepared, model: { ...model, graph: { ...model.graph, initializers } } };
}

async function valuesOf({ model }: Prepared, name: string): Promise<Float32Array> {
  const { data } = model.graph.initializers.get(name) as Exclude<Initializer, { readonly sparse: object }>;
  return new Float32Array((await data.read()).slice().buffer);
}

/** Masks of the weights that hold zeros, so that these stay. */
export async function zerosKept(
  prepared: Prepared,
  weights: readonly TrainableWeight[],
  notes: Note[],
): Promise<readonly Constraint[]> {
  const masks = new Map<string, ReturnType<typeof tensor>>();
  let zeros = 0;
  let all = 0;
  for (const { name, dims } of weights) {
    const mask = Uint8Array.from(await valuesOf(prepared, name), (value) => (value === 0 ? 0 : 1));
    const kept = mask.reduce((sum, one) => sum + one, 0);
    all += mask.length;
    zeros += mask.length - kept;
    if (dims.length > 1 && kept < mask.length) masks.set(name, tensor("bool", dims, mask));
  }
  const share = ((100 * zeros) / Math.max(all, 1)).toFixed(1);
  notes.push(
    info("zeros-kept", `${masks.size} weights keep their zeros: ${share} % of all elements that are trained.`),
  );
  return masks.size === 0 ? [] : [keepZeros(masks)];
}
