// Of several ways to scale a group, the one after which its products, quantized, are least off.

import type { GraphEditor } from "../../../ir/edit.js";
import type { StepContext } from "../../../step/step.js";
import type { Activations } from "./activations.js";
import { scaledFactor } from "./apply.js";
import type { Factor, Group } from "./groups.js";
import { numbersOf, simulated } from "./simulate.js";
import { type ActivationCodes, codesFor, type Trial } from "./trial.js";

/** A way to make factors, by how far sizes move from activations into weights: alpha, 0 to 1. */
export interface Family {
  /** For Notes: "alpha", which its value follows. */
  readonly name: string;
  scales(alpha: number): Float64Array;
}

export interface Candidate {
  /** For Notes: "alpha 0.5". */
  readonly name: string;
  readonly scales: Float64Array;
}

export const candidate = ({ name, scales }: Family, alpha: number): Candidate => ({
  name: `${name} ${alpha}`,
  scales: scales(alpha),
});

/** Alphas that are tried, in twentieths: then those beside the best. */
const COARSE = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20];

export interface Choice {
  /** Undefined: the group is best left as it is. */
  readonly best: Candidate | undefined;
  /** Its error, relative to that without scales; below 1. */
  readonly ratio: number;
}

/** A gain below this share of the error is noise of the few samples it was measured on. */
const WORTH = 0.01;

/**
 * Tries every family. `codes`: how activations will be quantized; undefined: not at all. The error of a group is the sum
 * of those of its products, each relative to what the product gives, so that none of them outweighs the others.
 */
export async function best(
  { trial, editor, context, codes }: Measuring,
  group: Group,
  activations: Activations,
  families: readonly Family[],
): Promise<Choice> {
  const subjects: Subject[] = [];
  for (const factor of group.factors) {
    if (factor.settings === undefined) continue;
    const matrix = { values: await numbersOf(scaledFactor(editor, factor, undefined)), along: factor.along };
    const wanted = await trial.product(activations.rows, group.channels, matrix);
    const size = wanted.reduce((all, one) => all + one * one, 0);
    if (size > 0) subjects.push({ factor, settings: factor.settings, wanted, size });
  }
  if (subjects.length === 0) return { best: undefined, ratio: 1 };
  const errorOf = async (scales: Float64Array | undefined) => {
    const inverse = Float32Array.from({ length: group.channels }, (_, at) => (scales ? 1 / scales[at]! : 1));
    const range = codes && codesFor(codes, rangeOf(activations, inverse), activations.rows, inverse);
    let sum = 0;
    for (const { factor, settings, wanted, size } of subjects) {
      context.signal?.throwIfAborted();
      const { along } = factor;
      const values = await simulated(context, { weight: scaledFactor(editor, factor, scales), along }, settings);
      sum += (await trial.error(activations.rows, { values, along }, wanted, inverse, range)) / size;
    }
    return sum;
  };
  const before = await errorOf(undefined);
  let [found, least]: [Candidate | undefined, number] = [undefined, before * (1 - WORTH)];
  for (const family of families) {
    let [nearest, lowest] = [0, Number.POSITIVE_INFINITY];
    const attempt = async (twentieth: number) => {
      const tried = candidate(family, twentieth / 20);
      const error = await errorOf(tried.scales);
      if (error < least) [found, least] = [tried, error];
      if (error < lowest) [nearest, lowest] = [twentieth, error];
    };
    for (const twentieth of COARSE) await attempt(twentieth);
    const middle = nearest;
    for (const twentieth of [middle - 1, middle + 1]) if (twentieth > 0 && twentieth < 20) await attempt(twentieth);
  }
  return { best: found, ratio: found ? least / before : 1 };
}

export interface Measuring {
  readonly trial: Trial;
  readonly editor: GraphEditor;
  readonly context: StepContext;
  readonly codes: ActivationCodes | undefined;
}

interface Subject {
  readonly factor: Factor;
  readonly settings: NonNullable<Factor["settings"]>;
  /** What the product gives in float. */
  readonly wanted: Float32Array;
  readonly size: number;
}

function rangeOf({ min, max }: Activations, inverse: Float32Array): readonly [number, number] {
  let [low, high] = [0, 0];
  for (const [at, factor] of inverse.entries()) {
    low = Math.min(low, min[at]! * factor);
    high = Math.max(high, max[at]! * factor);
  }
  return [low, high];
}
