// What a loss is: a target, and nodes that give one number a sample.

import type { z } from "zod";
import type { Method } from "../../base/registry.js";
import type { Sample } from "../../data/dataset.js";
import type { Value } from "../../tensor/value.js";
import type { Emitter, ValueShape } from "../emitter.js";

export type Activation = "none" | "softmax" | "log-softmax" | "sigmoid";

/** The output that a loss is on, before anything is written. */
export interface LossFit<Options> {
  readonly options: Options;
  /** What the loss reads: the logits of the head, or the output itself. float32, batch first. */
  readonly prediction: ValueShape;
  /** Axis of the classes: that of the head's softmax, else 1, and the last of three ([batch, positions, classes]). */
  readonly axis: number;
  /** What the model calls the output: for messages. */
  readonly output: string;
}

export interface LossSite<Options> extends LossFit<Options> {
  readonly emit: Emitter;
  /** The value of `prediction`. */
  readonly value: string;
  /** The input of the labels, of the shape that `target` states; "" where it states none. */
  readonly target: string;
  /** The values of the outputs that `others` names. */
  readonly others: readonly string[];
}

/** Labels of a batch as one input of the step graph. */
export interface Target {
  readonly shape: ValueShape;
  /**
   * Throws `invalid("label-missing")`, `invalid("label-form")` or `invalid("label-range")` with the place in the batch.
   * Samples may have several rows.
   */
  collate(labels: readonly Sample["label"][]): Value;
}

/** The loss of a batch is sum_i(s_i sums_i) / sum_i(s_i counts_i), s_i the weight of sample i. */
export interface LossTerms {
  /** [batch] */
  readonly sums: string;
  /** [batch], not differentiated; default: ones. The number of positions that count, or the sum of their class weights. */
  readonly counts?: string;
  /**
   * The gradient of `value`, all that it reads, in closed form, given that of `sums` ([batch]): fewer passes than
   * differentiating what was written, which is what happens without it.
   */
  gradient?(share: string): string;
}

interface Definition<Schema extends z.ZodObject> extends Method {
  readonly options: Schema;
  /** Whether it is on the logits, where the model ends in one of `heads`, or on the output as it is. */
  readonly reads: "logits" | "output";
  /** Ends of a model that it fits. What it reads after "none" is taken for logits. */
  readonly heads: readonly Activation[];
  /** Further outputs of the model that it reads as they are. */
  others?(options: z.output<Schema>): readonly string[];
  /** Undefined: it needs no labels. Throws `invalid("loss-output")` when it does not fit the output's shape. */
  target(fit: LossFit<z.output<Schema>>): Target | undefined;
  write(site: LossSite<z.output<Schema>>): LossTerms;
}

export interface Loss extends Method {
  readonly options: z.ZodObject;
  readonly reads: "logits" | "output";
  readonly heads: readonly Activation[];
  others?(options: Record<string, unknown>): readonly string[];
  target(fit: LossFit<Record<string, unknown>>): Target | undefined;
  write(site: LossSite<Record<string, unknown>>): LossTerms;
}

/** Options reach the methods as `options` parsed them, so the schema's type holds. */
export const defineLoss = <Schema extends z.ZodObject>(loss: Definition<Schema>): Loss =>
  Object.freeze(loss) as unknown as Loss;

/** All axes but the batch. */
export const inner = (dims: readonly number[]): number[] => [...dims.keys()].slice(1);

/** [batch] as [batch, 1, ...] of a rank, to be broadcast over the rest. */
export const perSample = (emit: Emitter, value: string, rank: number): string =>
  emit.reshape(value, [emit.dims(value)[0]!, ...Array.from({ length: rank - 1 }, () => 1)]);
