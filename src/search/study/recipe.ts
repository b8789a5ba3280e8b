// The prune step of one run.

import type { StudyMethod } from "../../metrics/study-report.js";

/** What all runs of a study have in common. */
export interface RecipeParts {
  /** Options of the finetune step; undefined: nothing is trained. */
  readonly finetune?: Readonly<Record<string, unknown>> | undefined;
  /** In its place in each step of a schedule that has several; default: the same. */
  readonly finetuneOfSteps?: Readonly<Record<string, unknown>> | undefined;
  /** Further options of the prune step: keep, layers, normalise, reduction ... */
  readonly prune?: Readonly<Record<string, unknown>> | undefined;
}

/** The scope of structures that leave nothing to share among layers: 2:4 takes two of every four everywhere. */
export const NO_SCOPE = "pattern";

export type PruneStep = { readonly method: "prune" } & Readonly<Record<string, unknown>>;

export function stepOf(method: StudyMethod, ratio: number, seed: number, parts: RecipeParts): PruneStep {
  const { structure, score, scope, schedule, steps, weights } = method;
  const finetune = (steps > 1 && parts.finetuneOfSteps) || parts.finetune;
  return {
    ...parts.prune,
    method: "prune",
    structure,
    score,
    ...(scope !== NO_SCOPE && { scope, ratio }),
    ...(steps > 1 && { schedule, steps }),
    // What keeps its weights and trains nothing needs no word on either.
    ...(finetune && { finetune }),
    ...(weights !== "keep" && { weights }),
    seed,
  };
}
