// What other methods add to a training: other forms of weights and inner values, weights of their own, loss terms. Pruning,
// quantization and teachers each give one of these, so that they combine without knowing each other.

import { internal } from "../base/errors.js";
import type { Note } from "../base/note.js";
import type { Dataset, Sample } from "../data/dataset.js";
import type { StepContext } from "../step/step.js";
import type { Value } from "../tensor/value.js";
import type { Constraint } from "./constraint.js";
import type { ValueShape } from "./emitter.js";
import type { Interlude } from "./interlude.js";
import type { Penalty } from "./penalty.js";
import type { Prepared, TrainableWeight } from "./prepared.js";
import type { Rewrite } from "./rewrite.js";
import type { Term } from "./term.js";

/** What is known when a method is asked what it adds. */
export interface AttachSite {
  readonly prepared: Prepared;
  /** The model's weights that are trained. */
  readonly weights: readonly TrainableWeight[];
  /** What is trained on, augmented. */
  readonly samples: Dataset;
  readonly context: StepContext;
  readonly seed: number;
}

export type Attach = (site: AttachSite) => Attached | Promise<Attached>;

/** A weight of the method's own, trained beside those of the model: a learned scale, a projection. */
export interface ExtraWeight {
  /** Unlike every value of the model; "pare." before it is customary. */
  readonly name: string;
  readonly dims: readonly number[];
  /** float32, row-major */
  readonly initial: Float32Array;
  /** Factor of the learning rate; default 1. */
  readonly rate?: number | undefined;
  /** Weight decay; default 0. */
  readonly decay?: number | undefined;
}

/** An input of the step that `supply` fills for every batch. */
export interface ExtraInput {
  readonly name: string;
  readonly shape: ValueShape;
}

export interface SuppliedBatch {
  /** As they are joined, those that only fill the batch up included. */
  readonly samples: readonly Sample[];
  /** What the model is fed with, by its own inputs. */
  readonly feeds: Readonly<Record<string, Value>>;
  /** Times that the data was seen before; undefined: held-out samples, never augmented. */
  readonly epoch: number | undefined;
}

/** Values of the extra inputs, in arrays that may be given away. */
export type Supply = (batch: SuppliedBatch) => Promise<Record<string, Value>>;

export interface Attached {
  readonly constraints?: readonly Constraint[];
  readonly penalties?: readonly Penalty[];
  readonly interlude?: Interlude | undefined;
  readonly rewrites?: readonly Rewrite[];
  readonly weights?: readonly ExtraWeight[];
  readonly terms?: readonly Term[];
  readonly inputs?: readonly ExtraInput[];
  readonly supply?: Supply | undefined;
  /** What it does, as plain data: a checkpoint of something else is refused. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly notes?: readonly Note[];
  /** Gives back what it holds (sessions, files), when the training is over or failed. */
  release?(): Promise<void>;
}

/** All of them as one. At most one may have an interlude. */
export function joined(all: readonly Attached[]): Attached {
  const list = <Name extends "constraints" | "penalties" | "rewrites" | "weights" | "terms" | "inputs" | "notes">(
    name: Name,
  ) => all.flatMap((one) => (one[name] ?? []) as NonNullable<Attached[Name]>[number][]);
  const interludes = all.flatMap(({ interlude }) => interlude ?? []);
  if (interludes.length > 1) throw internal("two methods change weights between updates");
  const supplies = all.flatMap(({ supply }) => supply ?? []);
  return {
    constraints: list("constraints") as Constraint[],
    penalties: list("penalties") as Penalty[],
    rewrites: list("rewrites") as Rewrite[],
    weights: list("weights") as ExtraWeight[],
    terms: list("terms") as Term[],
    inputs: list("inputs") as ExtraInput[],
    notes: list("notes") as Note[],
    interlude: interludes[0],
    supply:
      supplies.length === 0
        ? undefined
        : async (batch) => Object.assign({}, ...(await Promise.all(supplies.map((supply) => supply(batch))))),
    settings: Object.assign({}, ...all.map(({ settings }) => settings ?? {})),
    async release() {
      for (const one of all) await one.release?.();
    },
  };
}
