// What follows a step of pruning: weights that are kept, rewound or drawn anew, fine-tuning in which zeros stay zero, and
// running statistics that fit the model as it is now.

import { invalid } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Evaluation } from "../../train/evaluate.js";
import { type Finetuned, type FinetuneRun, finetuneModel, heldOutEvaluation } from "../../train/finetune.js";
import type { FinetuneOptions } from "../../train/finetune-options.js";
import { batchNorm } from "../../train/finetune-plan.js";
import type { TrainLogEntry } from "../../train/loop-options.js";
import type { RecoveredWeights } from "./options.js";
import { renewBatchNorm } from "./renew.js";
import { rewound } from "./rewind.js";

/** Who listens, and where the training is kept. */
export type RecoveryRun = Pick<FinetuneRun, "onEntry" | "checkpoint" | "checkpointEvery" | "resume">;

export interface Recovery {
  /** Undefined: nothing is trained. */
  readonly finetune?: FinetuneOptions | undefined;
  /** Default "keep". */
  readonly weights?: RecoveredWeights | undefined;
  /** What "rewind" goes back to: tensors of the same names, types and dimensions as the model's. */
  readonly earlier?: Model | undefined;
  /** Whether zeros of weights stay zero. */
  readonly masked: boolean;
  /** Ends training when the held-out metric is within this of the original's. */
  readonly recovered?: number | undefined;
  /** Needed for `recovered`. */
  readonly original?: Model | undefined;
  /** 0: running statistics of batch normalisation stay as they are; default: see `renewBatchNorm`. */
  readonly batchNormSamples?: number | undefined;
}

export interface Recovered {
  readonly model: Model;
  readonly notes: readonly Note[];
  /** Of every update; empty without training. */
  readonly log: readonly TrainLogEntry[];
  /** All about the training but its model, for `trainingReport`. */
  readonly finetuned?: Finetuned;
}

/** What fresh weights are drawn by, unless the options say otherwise. */
const INIT = "kaiming";

/**
 * Throws `invalid("recovery-options")` where something is asked for without what it needs, and what `finetuneModel`, `rewound`
 * and `renewBatchNorm` throw.
 */
export async function recover(
  model: Model,
  settings: Recovery,
  context: StepContext,
  run: RecoveryRun = {},
): Promise<Recovered> {
  const { masked, weights = "keep" } = settings;
  check(settings);
  const start = weights === "rewind" ? await rewound(model, settings.earlier!, masked) : model;
  const notes: Note[] = weights === "rewind" ? [info("rewound", REWOUND)] : [];
  const options = settings.finetune && trained(settings.finetune, settings);
  // Statistics that training does not move are what its weights are trained for: they come first.
  const first = options !== undefined && batchNorm(options, context.data.split("train").size) !== "train";
  const renewal = { samples: settings.batchNormSamples, finetune: settings.finetune };
  const early = first || options === undefined;
  const before = early ? await renewBatchNorm(start, renewal, context) : { model: start, notes: [] };
  notes.push(...before.notes);
  if (options === undefined) return { model: before.model, notes, log: [] };
  const target = await targetOf(settings, options, context, notes);
  const finetuned = await finetuneModel(before.model, options, context, { ...run, target });
  notes.push(...finetuned.notes);
  if (target !== undefined) notes.push(reached(finetuned, target));
  if (first) return { model: finetuned.model, notes, log: finetuned.log, finetuned };
  const held = finetuned.best?.held;
  const last = await renewBatchNorm(finetuned.model, { ...renewal, held }, context);
  return { model: last.model, notes: [...notes, ...last.notes], log: finetuned.log, finetuned };
}

const REWOUND = "What is left of the weights has the values of the earlier model again.";

function check({ weights, earlier, finetune, recovered, original }: Recovery): void {
  const wrong = (text: string, hint: string) => invalid("recovery-options", text, { hint });
  if (weights === "rewind" && earlier === undefined) {
    throw wrong("To rewind weights needs the model that they go back to.", "Give the earlier model.");
  }
  if (weights === "reinit" && finetune === undefined) {
    throw wrong("Fresh weights are worth nothing without training.", "Say how to train: finetune.");
  }
  if (recovered === undefined) return;
  if (finetune === undefined) throw wrong("recovered ends a fine-tuning, and there is none.", "Say how: finetune.");
  if (original === undefined) throw wrong("recovered needs the original model to compare with.", "Give the original.");
}

const trained = (finetune: FinetuneOptions, { masked, weights }: Recovery): FinetuneOptions => ({
  ...finetune,
  keepZeros: masked || finetune.keepZeros,
  ...(weights === "reinit" ? { init: finetune.init ?? INIT } : {}),
});

/** The metric at which training may end; the loss, where there is no metric. */
async function targetOf(
  { recovered, original }: Recovery,
  options: FinetuneOptions,
  context: StepContext,
  notes: Note[],
): Promise<number | undefined> {
  if (recovered === undefined) return undefined;
  const held = await heldOutEvaluation(original!, options, context);
  if (held === undefined) {
    throw invalid(
      "recovery-options",
      "recovered needs samples to look at, and the dataset has no part to calibrate on.",
      {
        hint: 'Give it one: "split": { "calibrate": 0.1, "train": 0.9 } in dataset.json.',
      },
    );
  }
  const { name, value, better } = held.metric ?? { name: "loss", value: held.loss, better: "lower" };
  const target = better === "higher" ? value - recovered : value + recovered;
  notes.push(
    info("recovery-target", `The original's held-out ${name} is ${digits(value)}: training ends at ${digits(target)}.`),
  );
  return target;
}

function reached({ stopped, best }: Finetuned, target: number): Note {
  const found = best && described(best.held);
  if (stopped === "target") return info("recovered", `Held-out ${found} after ${best!.step} updates: training ended.`);
  return info(
    "not-recovered",
    `Held-out ${found ?? "metric"} is not yet ${digits(target)}: train longer, or prune less.`,
  );
}

const described = ({ metric, loss }: Evaluation) =>
  metric === undefined ? `loss ${digits(loss)}` : `${metric.name} ${digits(metric.value)}`;

const digits = (value: number) => Number(value.toPrecision(4)).toString();
