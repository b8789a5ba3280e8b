// What a score that also updates weights is asked, and what it gives.

/** A share of each weight's elements, or N:M: of every `of` along the reduction axis `keep` stay. */
export type SolveGoal = { readonly ratio: number } | { readonly keep: number; readonly of: number };

export interface Solved {
  /** In the weight's own order, as many zeros as the goal asks. */
  readonly values: Float32Array;
  /** Squared error of the layer's outputs over their squared size, on the data that was looked at. */
  readonly error: number;
}
