// What a regulariser is: what is added to the loss while a model is trained before it is pruned, so that what is to go becomes
// small first.

import type { z } from "zod";
import type { Method } from "../../base/registry.js";
import type { Emitter } from "../../train/emitter.js";

/** A group of channels as a penalty sees it. Values are those of the weights at this step. */
export interface PenalisedGroup {
  readonly name: string;
  readonly units: number;
  /** Weight elements of one unit, about. */
  readonly elements: number;
  /** float32 [units]: sum of the squares of all kernels and matrices along the unit, which make it or read it. Written once. */
  squares(): string;
  /** Scales of batch normalisations along the group, float32 vectors. */
  readonly scales: readonly string[];
  /** Where the regulariser `chooses`: the units that are smallest before the training, ascending. */
  readonly smallest: readonly number[];
}

export interface RegulariserSite {
  readonly emit: Emitter;
  readonly groups: readonly PenalisedGroup[];
  /** A float32 scalar that goes from 0 at the first update to 1 at the last. */
  progress(): string;
}

interface Definition<Schema extends z.ZodObject> extends Method {
  readonly options: Schema;
  /** Whether it needs to know which units will go. */
  readonly chooses?: true;
  /** Gives a float32 scalar; undefined where there is nothing for it in the groups. What it writes is differentiated. */
  penalty(site: RegulariserSite, options: z.output<Schema>): string | undefined;
}

export interface Regulariser extends Method {
  readonly options: z.ZodObject;
  readonly chooses?: true;
  penalty(site: RegulariserSite, options: Record<string, unknown>): string | undefined;
}

/** Options reach the methods as `options` parsed them, so the schema's type holds. */
export const defineRegulariser = <Schema extends z.ZodObject>(regulariser: Definition<Schema>): Regulariser =>
  Object.freeze(regulariser) as unknown as Regulariser;

/** The sum of scalars; undefined of none. */
export const sumOf = (emit: Emitter, terms: readonly string[]): string | undefined =>
  terms.length === 0 ? undefined : terms.reduce((sum, term) => emit.add(sum, term));
