// What a score is: how important each element of a weight is, or each unit of a group.

import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { Group } from "../group/group.js";

/** What a score may need beside the weights: collected once for all weights, on the data of the step. */
export type Need = "activations" | "inputs" | "correlations" | "gradients" | "curvature";

/** One weight and what is known of it. Everything is in the weight's own order, one weight at a time in memory. */
export interface ScoredWeight {
  readonly name: string;
  readonly dims: readonly number[];
  /** Which axes sum and which make channels (`ops`); undefined: a vector. */
  readonly reductionAxis: number | undefined;
  readonly outputAxis: number;
  readonly values: Float32Array;
  /** Equal parts of the output axis that have inputs of their own (grouped convolutions); mostly 1. */
  readonly parts: number;
  /**
   * Need "inputs": mean square of what each position along the reduction axis is multiplied with, for each of `parts` after
   * the other; `parts` times its length.
   */
  readonly inputSquares?: Float64Array | undefined;
  /** Need "correlations": for every element its entry on the diagonal of the inverse of the inputs' damped Hessian. */
  readonly inverseHessian?: Float32Array | undefined;
  /** Need "gradients": mean of the loss's gradient, and mean of its square, over batches; of `values`' length. */
  readonly gradient?: Float32Array | undefined;
  readonly gradientSquares?: Float32Array | undefined;
  /** Need "curvature": diagonal of the loss's Hessian. */
  readonly curvature?: Float32Array | undefined;
  /** A draw of its own for each weight, from the step's seed. */
  readonly random: () => number;
}

/** The part of a weight that belongs to each unit of a group: positions along one axis. */
export interface Slices {
  readonly axis: number;
  readonly units: number;
  /** The unit of each position along the axis; -1: of none. */
  readonly unitOf: Int32Array;
}

/** A group with what was observed of its channels, per unit. */
export interface ScoredGroup {
  readonly group: Group;
  readonly model: Model;
  /** A vector of the group (a scale, a bias) by name. */
  vector(name: string): Promise<Float32Array>;
  /** A draw of its own for each group, from the step's seed. */
  readonly random: () => number;
  /** Need "activations", at the value where the group's channels are first complete (behind the activation function). */
  readonly activations?:
    | {
        /** Means over samples and places, one a unit: of |x|, of x squared, of "is zero" (0 to 1). */
        readonly magnitude: Float64Array;
        readonly squares: Float64Array;
        readonly zeros: Float64Array;
      }
    | undefined;
}

export interface Score extends Method {
  readonly needs: readonly Need[];
  /** Importance of every element, larger is more important; of `values`' length. Units sum it over their slices. */
  element?(weight: ScoredWeight): Float32Array;
  /** Importance of each unit's part of one weight, where that is not the sum of its elements; `units` numbers. */
  slice?(weight: ScoredWeight, slices: Slices): Float64Array;
  /** Importance of every unit of a group, where it is not made of weights; undefined: the group has nothing to go by. */
  unit?(group: ScoredGroup): Promise<Float64Array | undefined>;
  /** Of scores with `unit`: whether a group has what it goes by; default: it has. */
  fits?(group: Group, model: Model): boolean;
  /** What a group or weight lacks about which this score knows nothing; ends the sentence "kept because ...". */
  readonly lacking?: string;
}

export const defineScore = (score: Score): Score => Object.freeze(score);
