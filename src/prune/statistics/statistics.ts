// What scores need beside the weights, collected at the first question for all weights at once.

import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Layer } from "../scores/layers.js";
import type { ScoreOptions } from "../scores/options.js";
import type { Score, ScoredWeight } from "../scores/score.js";
import type { Solved, SolveGoal } from "../scores/solve.js";

type Found = Pick<ScoredWeight, "inputSquares" | "inverseHessian" | "gradient" | "gradientSquares" | "curvature">;

export interface Statistics {
  /** What is known of one weight beside its numbers. */
  of(name: string): Promise<Found>;
  /** Why nothing is known of it. */
  obstacle(layer: Layer): string | undefined;
  readonly solve?: (name: string, goal: SolveGoal) => Promise<Solved>;
  release(): Promise<void>;
}

export function openStatistics(
  _model: Model,
  _layers: readonly Layer[],
  _score: Score,
  _options: ScoreOptions,
  _context: StepContext,
  _notes: Note[],
): Statistics {
  return { of: async () => ({}), obstacle: () => undefined, release: async () => {} };
}
