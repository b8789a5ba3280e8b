// What a score is: how important each element of a weight is, or each unit of a group.

import type { Method } from "../../base/registry.js";
import type { Group } from "../group/group.js";

/** What a score may need beside the weights: collected once for all weights, on the data of the step. */
export type Need = "activations" | "inputs" | "gradients" | "curvature";

/** One weight and what is known of it. Everything is in the weight's own order, one weight at a time in memory. */
export interface ScoredWeight {
  readonly name: string;
  readonly dims: readonly number[];
  /** Which axes sum and which make channels (`ops`); undefined: a vector. */
  readonly reductionAxis: number | undefined;
  readonly outputAxis: number;
  readonly values: Float32Array;
  /** Need "inputs": mean square of what each position along the reduction axis is multiplied with; its length. */
  readonly inputSquares?: Float64Array | undefined;
  /** Need "gradients": mean of the loss's gradient, and mean of its square, over batches; of `values`' length. */
  readonly gradient?: Float32Array | undefined;
  readonly gradientSquares?: Float32Array | undefined;
  /** Need "curvature": diagonal of the loss's Hessian. */
  readonly curvature?: Float32Array | undefined;
  /** A draw of its own for each weight, from the step's seed. */
  readonly random: () => number;
}

/** A group with what was observed of its channels, per unit. */
export interface ScoredGroup {
  readonly group: Group;
  /** Weights of the group by name. */
  weight(name: string): Promise<ScoredWeight>;
  /** Need "activations", at the value where the group's channels are first complete (behind the activation function). */
  readonly activations?: {
    /** Means over samples and places, one a unit: of |x|, of x squared, of "is zero" (0 to 1). */
    readonly magnitude: Float64Array;
    readonly squares: Float64Array;
    readonly zeros: Float64Array;
  };
}

export interface Score extends Method {
  readonly needs: readonly Need[];
  /** Importance of every element, larger is more important; of `values`' length. Units sum it over their slices. */
  element?(weight: ScoredWeight): Float32Array;
  /** Importance of every unit of a group, where it is not made of elements. */
  unit?(group: ScoredGroup): Promise<Float64Array>;
}

export const defineScore = (score: Score): Score => Object.freeze(score);
