// A plan carried out: the same channels cut out of other weights of the same architecture, without scores and without data.

import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { cutChannels } from "../cut/cut-channels.js";
import { type Plan, removalOf } from "../plan.js";
import type { PruneRow } from "../table.js";
import { groupsOf } from "./channels.js";
import { type Counts, forecast } from "./forecast.js";
import { type GroupRow, layerRows } from "./rows.js";

export interface Replayed {
  readonly model: Model;
  readonly notes: readonly Note[];
  readonly table: readonly PruneRow[];
  readonly groups: readonly GroupRow[];
  readonly macs: { readonly before: number; readonly after: number };
}

/** Throws `invalid("plan-unfit")` naming the group that does not fit the model. */
export async function replayPlan(model: Model, plan: Plan, context: StepContext): Promise<Replayed> {
  const grouping = await groupsOf(model, context);
  const removal = removalOf(plan, grouping);
  const cut = removal.size === 0 ? undefined : await cutChannels(grouping, removal, context);
  const gone: Counts = new Map([...removal].map(([name, units]) => [name, units.length]));
  const groups = grouping.groups.map(({ name, kind, units, obstacle }) => ({
    group: name,
    kind,
    units: { before: units, after: units - (gone.get(name) ?? 0) },
    reason: obstacle?.reason ?? "as the plan says",
    node: obstacle?.node,
  }));
  const predicted = forecast(grouping);
  return {
    model: cut?.model ?? model,
    notes: [...grouping.notes, ...(cut?.notes ?? [])],
    table: layerRows(grouping, predicted, groups),
    groups,
    macs: { before: predicted.macs(new Map()), after: predicted.macs(gone) },
  };
}
