// What scores need beside the weights, collected at the first question for all weights at once.

import { info, type Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Layer } from "../scores/layers.js";
import type { ScoreOptions } from "../scores/options.js";
import type { Score, ScoredWeight } from "../scores/score.js";
import type { Solved, SolveGoal } from "../scores/solve.js";
import { openCorrelations } from "./correlations.js";
import { openGradients } from "./gradients.js";
import { inputSquares, inputsOf } from "./inputs.js";

type Found = Pick<ScoredWeight, "inputSquares" | "inverseHessian" | "gradient" | "gradientSquares" | "curvature">;

export interface Statistics {
  /** What is known of one weight beside its numbers. */
  of(name: string): Promise<Found>;
  /** Why nothing is known of it. */
  obstacle(layer: Layer): string | undefined;
  readonly solve?: (name: string, goal: SolveGoal) => Promise<Solved>;
  release(): Promise<void>;
}

/** Defaults of `scoreSamples` and `scoreBatch`. */
const SAMPLES = 512;
const BATCH = 16;

/** Throws what `openGradients` throws. */
export async function openStatistics(
  model: Model,
  layers: readonly Layer[],
  score: Score,
  options: ScoreOptions & { readonly seed: number },
  context: StepContext,
  notes: Note[],
): Promise<Statistics> {
  const { needs } = score;
  const samples = options.scoreSamples ?? SAMPLES;
  const release = async () => {};
  if (needs.includes("inputs")) {
    const squares = once(async () => {
      if (context.data.synthetic) notes.push(madeUp("Inputs"));
      return inputSquares(model, layers, samples, context);
    });
    return {
      of: async (name) => ({ inputSquares: (await squares()).get(name) }),
      obstacle(layer) {
        const found = inputsOf(model, layer);
        return "obstacle" in found ? found.obstacle : undefined;
      },
      release,
    };
  }
  if (needs.includes("correlations")) {
    if (context.data.synthetic) notes.push(madeUp("Inputs"));
    const correlations = openCorrelations(model, layers, samples, context);
    return {
      of: async (name) => ({ inverseHessian: await correlations.inverseHessian(name) }),
      obstacle: correlations.obstacle,
      solve: correlations.solve,
      release: correlations.release,
    };
  }
  if (needs.includes("gradients") || needs.includes("curvature")) {
    const { scoreBatch: batch = BATCH, scoreLoss: loss, seed } = options;
    const found = await openGradients(model, layers, score, { samples, batch, loss, seed }, context, notes);
    const gradients = once(found.gradients);
    const curvature = once(found.curvature);
    return {
      async of(name) {
        if (needs.includes("curvature")) return { curvature: (await curvature()).get(name) };
        const { gradient, squares } = (await gradients()).get(name)!;
        return { gradient, gradientSquares: squares };
      },
      obstacle: ({ name }) => (found.weights.has(name) ? undefined : "the loss has no gradient by it"),
      release,
    };
  }
  return { of: async () => ({}), obstacle: () => undefined, release };
}

const madeUp = (what: string) =>
  info("score-data", `${what} are those of made-up data: give data for scores that say something.`);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
