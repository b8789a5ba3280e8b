// prune: what matters least is taken out of a model. The step of that name, with what a recipe does not hold: an earlier model
// to rewind to, the plan that came of it, and what every layer and group of channels gave.

import type { Note } from "./base/note.js";
import type { Model } from "./ir/model.js";
import type { Training } from "./metrics/report.js";
import type { GroupRow } from "./prune/channels/rows.js";
import type { PruneOptions as StepOptions } from "./prune/options.js";
import type { Plan } from "./prune/plan.js";
import { type PruneRun, pruneModel } from "./prune/prune.js";
import type { PruneRow } from "./prune/table.js";
import type { RecipeStep } from "./recipe.js";
import { runStep } from "./run-step.js";
import type { ServiceOptions } from "./services.js";
import type { TrainLogEntry } from "./train/loop-options.js";
import { trainingReport } from "./train/training-report.js";

export type { GroupRow } from "./prune/channels/rows.js";
export type { Plan } from "./prune/plan.js";
export type { PruneRow } from "./prune/table.js";
export { parseTokens } from "./prune/vocabulary/token-list.js";

/** What to remove and how: the options of the recipe's step. */
export type PruneSettings = Omit<Extract<RecipeStep, { readonly method: "prune" }>, "method">;

export interface PruneOptions extends ServiceOptions {
  /** What `weights: "rewind"` goes back to: a model of the same tensors, where it is in no file. */
  readonly earlier?: Model | undefined;
  /** Called for every update of fine-tuning. */
  readonly onEntry?: ((entry: TrainLogEntry) => void) | undefined;
  /** Check the invariants of the graph that comes out. */
  readonly verify?: boolean | undefined;
}

export interface PruneResult {
  readonly model: Model;
  readonly notes: readonly Note[];
  /** Whether weights became zero; else parts of the graph are gone. */
  readonly zeros: boolean;
  /** A row for each layer: elements, bytes and multiply-accumulates before and after. */
  readonly table: readonly PruneRow[];
  /** Of channels: each group of coupled channels, what is left of it, and why not less. */
  readonly groups: readonly GroupRow[] | undefined;
  /** Of channels: what went, to be carried out on other weights of the same architecture. */
  readonly plan: Plan | undefined;
  /** Multiply-accumulates of one run, where channels were cut. */
  readonly macs: { readonly before: number; readonly after: number } | undefined;
  /** How the last fine-tuning went. */
  readonly training: Training | undefined;
}

/**
 * Removes weights or channels by their importance until the goal is met, in the steps of a schedule, with fine-tuning between
 * where it is asked for. The input model is never changed. Throws `invalid("prune-options" | "goal-invalid" |
 * "goal-out-of-reach" | "nothing-to-prune" | "plan-invalid" | "plan-unfit" | "pattern-...")`, and what scores and fine-tuning
 * throw that need data.
 */
export async function prune(
  model: Model,
  settings: PruneSettings = {},
  options: PruneOptions = {},
): Promise<PruneResult> {
  const { earlier, onEntry, ...services } = options;
  const run: PruneRun = { earlier, onEntry };
  const stated: RecipeStep = { ...settings, method: "prune" };
  const { done, seconds, ...made } = await runStep(model, stated, services, (given, parsed: StepOptions, context) =>
    pruneModel(given, parsed, context, run),
  );
  const { masked, table, groups, plan, macs, recovered } = done;
  const finetuned = recovered?.finetuned;
  return {
    ...made,
    zeros: masked,
    table,
    groups,
    plan,
    macs,
    training: finetuned && trainingReport(finetuned, seconds),
  };
}
