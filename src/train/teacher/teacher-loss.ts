// What a loss with a teacher is: a value of the student, one of the teacher for the same samples, and nodes that say how far
// they are apart.

import type { z } from "zod";
import { invalid } from "../../base/errors.js";
import type { Method } from "../../base/registry.js";
import type { Emitter, ValueShape } from "../emitter.js";
import type { Head } from "../prepared.js";
import type { TermLoss } from "../term.js";

/** What is known before anything is written. */
export interface TeacherFit<Options> {
  readonly options: Options;
  /** float32, batch first, both. */
  readonly student: ValueShape;
  readonly teacher: ValueShape;
  /** Axis of the classes of an output, of the channels or features of an inner value. */
  readonly axis: number;
  /** Activation behind the values, where they are logits. */
  readonly activation: Head["activation"];
  /** "student value = teacher value": for messages. */
  readonly names: string;
}

export interface TeacherSite<Options> extends TeacherFit<Options> {
  readonly emit: Emitter;
  readonly value: string;
  readonly target: string;
  /** float32 [batch, positions]: 1 where a position counts; undefined: all do. */
  readonly mask: string | undefined;
  /** A weight of the loss's own, of those that `weights` states. */
  weight(name: string): string;
  /** A number of the options that goes from one value to another over the training, as a scalar. */
  scheduled(value: Scheduled): string;
}

/** A number, or one that goes evenly from one to another over the training. */
export type Scheduled = number | { readonly from: number; readonly to: number };

export interface OwnWeight {
  readonly name: string;
  readonly dims: readonly number[];
  /** Elements that are summed for one result: what fresh weights are scaled by. */
  readonly fanIn: number;
}

interface Definition<Schema extends z.ZodObject> extends Method {
  readonly options: Schema;
  /** Outputs are compared before their last activation; inner values come in pairs. */
  readonly on: "output" | "inner";
  /** Learned beside the student, and left out of the result. */
  weights?(fit: TeacherFit<z.output<Schema>>): readonly OwnWeight[];
  /** Throws `invalid("teacher-unfit")` for values that cannot be compared. */
  check(fit: TeacherFit<z.output<Schema>>): void;
  write(site: TeacherSite<z.output<Schema>>): TermLoss;
}

export interface TeacherLoss extends Method {
  readonly options: z.ZodObject;
  readonly on: "output" | "inner";
  weights?(fit: TeacherFit<Record<string, unknown>>): readonly OwnWeight[];
  check(fit: TeacherFit<Record<string, unknown>>): void;
  write(site: TeacherSite<Record<string, unknown>>): TermLoss;
}

/** Options reach the methods as `options` parsed them, so the schema's type holds. */
export const defineTeacherLoss = <Schema extends z.ZodObject>(loss: Definition<Schema>): TeacherLoss =>
  Object.freeze(loss) as unknown as TeacherLoss;

export const unfit = (names: string, expected: string, found: string, hint?: string) =>
  invalid("teacher-unfit", `What the student gives and what the teacher gives cannot be compared: ${names}.`, {
    node: names,
    expected,
    found,
    hint,
  });

/** Throws where the two differ in their dimensions. */
export function sameShape({ student, teacher, names }: TeacherFit<unknown>): void {
  if (String(student.dims) === String(teacher.dims)) return;
  throw unfit(
    names,
    `values of one shape; the teacher gives [${teacher.dims}]`,
    `[${student.dims}] of the student`,
    "Name a map of classes (classes), other values, or a loss that has a projection (hidden).",
  );
}

/**
 * One number a sample: the mean of `each` over its positions, those that do not count left out. `each`: [batch, positions...],
 * any rank; the mask is of the first two axes.
 */
export function meanOverPositions(emit: Emitter, each: string, mask: string | undefined): string {
  const dims = emit.dims(each);
  const inner = dims.map((_, axis) => axis).slice(1);
  const rest = dims.slice(2).reduce((all, size) => all * size, 1);
  if (mask === undefined || dims.length < 2) return inner.length === 0 ? each : emit.reduceMean(each, inner, false);
  const spread = emit.reshape(mask, [...emit.dims(mask), ...dims.slice(2).map(() => 1)]);
  const sums = emit.reduceSum(emit.mul(each, spread), inner, false);
  const counts = emit.scale(emit.reduceSum(mask, [1], false), rest);
  // A sample in which nothing counts has no loss.
  return emit.div(sums, emit.max(counts, emit.number(1)));
}
