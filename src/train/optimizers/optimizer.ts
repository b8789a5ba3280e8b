// What an optimizer is: nodes that turn a weight, its gradient and its state into the next weight and state.

import type { z } from "zod";
import type { Method } from "../../base/registry.js";
import type { Emitter } from "../emitter.js";

/** One block of weights (one weight, or many small ones in a row) and what its update reads. All float32, of one shape. */
export interface UpdateSite<Options> {
  readonly emit: Emitter;
  readonly options: Options;
  readonly weight: string;
  /** The gradient of the mean loss: unscaled, clipped. */
  readonly gradient: string;
  /** The learning rate, a scalar. */
  readonly rate: string;
  /** Weight decay of the block; 0: none. */
  readonly decay: number;
  /** One of the numbers of `scalars`, a scalar. */
  scalar(name: string): string;
  /** The state of that name before this update. */
  state(name: string): string;
}

export interface Updated {
  readonly weight: string;
  /** The state after this update, by the names of `state`. */
  readonly state: Readonly<Record<string, string>>;
}

/** As an optimizer is written: its options typed. */
interface Definition<Schema extends z.ZodObject> extends Method {
  readonly options: Schema;
  /** The learning rate that its authors suggest. */
  readonly rate: number;
  /** Names of the states, each of the weight's shape and zero at first. */
  state(options: z.output<Schema>): readonly string[];
  /** Numbers that change with the count of updates `t` (1 for the first), fed by the host in float32. */
  scalars?(t: number, options: z.output<Schema>): Readonly<Record<string, number>>;
  /** Every node is a pass over all weights: write few. */
  update(site: UpdateSite<z.output<Schema>>): Updated;
}

export interface Optimizer extends Method {
  readonly options: z.ZodObject;
  readonly rate: number;
  state(options: Record<string, unknown>): readonly string[];
  scalars?(t: number, options: Record<string, unknown>): Readonly<Record<string, number>>;
  update(site: UpdateSite<Record<string, unknown>>): Updated;
}

/** Options reach the methods as `options` parsed them, so the schema's type holds. */
export const defineOptimizer = <Schema extends z.ZodObject>(optimizer: Definition<Schema>): Optimizer =>
  Object.freeze(optimizer) as unknown as Optimizer;

/** The gradient with the L2 term of classic weight decay: g + decay w. */
export const decayed = ({ emit, gradient, weight, decay }: UpdateSite<unknown>): string =>
  decay === 0 ? gradient : emit.add(gradient, emit.scale(weight, decay));

/** The weight shrunk by rate x decay: decoupled weight decay, https://arxiv.org/abs/1711.05101. */
export const shrunk = ({ emit, weight, rate, decay }: UpdateSite<unknown>): string =>
  decay === 0 ? weight : emit.mul(weight, emit.sub(emit.number(1), emit.scale(rate, decay)));
