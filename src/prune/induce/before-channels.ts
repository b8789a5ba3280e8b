// The option induce of the prune step: which groups the training before pruning is for, by what the other options let go.

import { invalid } from "../../base/errors.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { groupsOf } from "../channels/channels.js";
import { limitsOf } from "../channels/limits.js";
import type { PruneOptions } from "../options.js";
import type { Recovered, RecoveryRun } from "../recover/recover.js";
import type { Settled } from "../settle.js";
import { type Induce, induceSparsity } from "./induce-sparsity.js";

/** Throws `invalid("prune-options")` where there are no channels to choose, or nothing says how to train. */
export async function induceBefore(
  model: Model,
  { structure: { method: structure }, goal }: Settled,
  options: PruneOptions,
  context: StepContext,
  run: RecoveryRun,
): Promise<Recovered> {
  const { induce, finetune, plan, keep, only, layers, maxRatio = 1 } = options;
  const wrong = (text: string, hint: string) => invalid("prune-options", text, { hint });
  if (structure.kind !== "group") {
    throw wrong(`induce makes channels small: it is nothing for structure ${structure.name}.`, "Leave it out.");
  }
  if (plan !== undefined) throw wrong("A plan says what goes, whatever the weights are.", "Leave induce out.");
  if (finetune === undefined) throw wrong("induce trains, and nothing says how.", "State finetune.");
  const grouping = await groupsOf(model, context);
  const limits = limitsOf(grouping, { structure, keep, only, layers, maxRatio, roundTo: 1 }, []);
  const groups = limits.filter(({ most }) => most > 0).map(({ group }) => group.name);
  const share = goal.measure === "ratio" && typeof goal.amount === "number" ? goal.amount : undefined;
  return induceSparsity(grouping, { method: induce as Induce["method"], finetune, share, groups }, context, run);
}
