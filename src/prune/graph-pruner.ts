// Parts of the graph under the schedule: they go in one step.

import { invalid } from "../base/errors.js";
import type { Model } from "../ir/model.js";
import type { StepContext } from "../step/step.js";
import type { PruneOptions } from "./options.js";
import type { Pruner } from "./pruner.js";
import type { Settled } from "./settle.js";
import type { GraphStructure } from "./structures/structure.js";
import type { PruneRow } from "./table.js";

/** Throws `invalid("prune-options")` for steps, which a structure of one step does not have. */
export function graphPruner({ structure, goal, steps }: Settled, options: PruneOptions, context: StepContext): Pruner {
  const { keep, only } = options;
  const method = structure.method as GraphStructure;
  if (steps > 1) {
    throw invalid("prune-options", `Structure ${method.name} has one step.`, { hint: "Leave steps and schedule out." });
  }
  if (Object.keys(options.layers).length > 0) {
    throw invalid("prune-options", `Of structure ${method.name} layers give no shares of their own.`, {
      hint: "Leave layers out; keep and only name what stays and what may go.",
    });
  }
  let table: readonly PruneRow[] = [];
  return {
    share: 1,
    masked: false,
    async step(model) {
      const done = await method.remove(model, { goal, keep, only }, structure.options, context);
      table = done.table;
      return done;
    },
    // What is left has its old names and shapes.
    earlier: async (model: Model) => model,
    outcome: () => ({ table, notes: [] }),
  };
}
