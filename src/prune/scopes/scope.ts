// What a scope is: given what may be removed and how much shall go, how much goes of each item.

import type { z } from "zod";
import type { Context } from "../../base/context.js";
import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";

/** A weight whose elements, blocks or rows go, or a group whose units go: `cells` of them, each as a whole. */
export interface Item {
  readonly name: string;
  readonly cells: number;
  /** Cells that may go at most: what is kept by rounding, and the one that must be left, are taken off. */
  readonly most: number;
  /** Cells are kept in multiples of this. */
  readonly multiple: number;
  /** Weight elements, bytes and multiply-accumulates that go with one cell, about. */
  readonly elements: number;
  readonly bytes: number;
  readonly macs: number;
  /** Dimensions of its main weight with the reduction and output axes: for scopes that go by shape. */
  readonly shape: { readonly inputs: number; readonly outputs: number; readonly kernel: readonly number[] };
  /** Share of its cells that the user asked for; scopes leave it as it is. */
  readonly ratio?: number | undefined;
  /** One number a cell, larger is more important; -0 is 0, NaN never. Computed anew at each call: one item at a time is in memory. */
  scores(): Promise<Float32Array>;
  /** The model without the `count` least important cells of this item alone, for scopes that try. */
  without(count: number): Promise<Model>;
}

/**
 * What is to go, as a share of all that the items hold: of their elements, bytes or multiply-accumulates. Items with a ratio of
 * their own are not in it.
 */
export interface Goal {
  readonly measure: "elements" | "bytes" | "macs";
  /** 0 to 1. */
  readonly share: number;
}

export interface ScopeContext extends Context {
  /** How far a model is from the original on the data: 0 is equal, larger is worse. */
  distance(model: Model): Promise<number>;
}

export interface Scope extends Method {
  /** Cells to remove per item, the least important first; within `most`, kept counts in multiples. */
  choose(
    items: readonly Item[],
    goal: Goal,
    options: Readonly<Record<string, unknown>>,
    context: ScopeContext,
  ): Promise<readonly number[]>;
}

export const defineScope = <Options extends z.ZodObject>(
  scope: Omit<Scope, "options" | "choose"> & {
    readonly options?: Options;
    choose(
      items: readonly Item[],
      goal: Goal,
      options: z.output<Options>,
      context: ScopeContext,
    ): Promise<readonly number[]>;
  },
): Scope => Object.freeze(scope) as Scope;
