// A plan: which units of which groups go, in the numbers of the model that it was made for. It needs no scores and no data,
// and fits other weights of the same architecture.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import type { Grouping, Removal } from "./group/group.js";

const planned = z.strictObject({
  name: z.string().describe("Of the group: the weight that makes its channels first"),
  kind: z.string().optional().describe("filter, hidden, head or recurrent: for people"),
  units: z.int().min(1).describe("How many the group has before"),
  removed: z.array(z.int().min(0)).describe("Numbers of the units that go, ascending, from 0"),
});

export const planSchema = z
  .strictObject({
    version: z.literal(1),
    groups: z.array(planned).describe("Groups from which nothing goes may be left out"),
  })
  .meta({ title: "pare plan of pruning" });

export type Plan = z.infer<typeof planSchema>;

/** Throws `invalid("plan-invalid")` for what is no plan, naming the first thing that is wrong. */
export function parsePlan(input: unknown): Plan {
  const parsed = planSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid("plan-invalid", "This is not a plan of pruning.", {
      expected: '{ "version": 1, "groups": [{ "name": "conv1.weight", "units": 16, "removed": [3, 7] }, ...] }',
      found: issue && `${issue.path.join(".")}: ${issue.message}`,
      hint: "`pare prune ... --save-plan plan.json` writes one.",
    });
  }
  const names = new Set<string>();
  for (const { name, units, removed } of parsed.data.groups) {
    if (names.has(name)) throw unfit(name, "The plan names this group twice.");
    names.add(name);
    const ascending = removed.every((unit, at) => unit < units && (at === 0 || unit > removed[at - 1]!));
    if (!ascending) {
      throw unfit(name, `What the plan removes must be distinct numbers below ${units}, ascending.`, {
        found: removed.join(", "),
      });
    }
    if (removed.length >= units) throw unfit(name, "The plan leaves nothing of this group: one unit must stay.");
  }
  return parsed.data;
}

/**
 * What the plan removes of these groups. Throws `invalid("plan-unfit")` naming the group that the model does not have, that has
 * another number of units, or that must stay.
 */
export function removalOf(plan: Plan, { groups }: Grouping): Removal {
  const byName = new Map(groups.map((group) => [group.name, group]));
  const removal = new Map<string, readonly number[]>();
  for (const { name, units, removed } of plan.groups) {
    if (removed.length === 0) continue;
    const group = byName.get(name);
    if (group === undefined) {
      throw unfit(name, "The model has no such group of channels: the plan is of another architecture.", {
        expected: name,
        found:
          groups
            .map((one) => one.name)
            .slice(0, 5)
            .join(", ") + (groups.length > 5 ? " ..." : ""),
      });
    }
    if (group.units !== units) {
      throw unfit(name, "This group has another size than in the plan.", {
        expected: `${units} units`,
        found: `${group.units}`,
      });
    }
    if (group.obstacle) {
      throw unfit(name, `The channels of this group must stay here: ${group.obstacle.reason}.`, {
        found: group.obstacle.node,
      });
    }
    removal.set(name, removed);
  }
  return removal;
}

function unfit(group: string, message: string, rest: { expected?: string; found?: string } = {}) {
  return invalid("plan-unfit", message, {
    node: group,
    ...rest,
    hint: "A plan fits the model that it was made for, and other weights of it. `pare inspect --groups` lists groups.",
  });
}
