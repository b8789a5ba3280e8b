// Which groups are alike in form: the same operators around them, at the same axes, whatever their sizes. Scores of groups that
// are not do not compare well (Fang et al. 2024, Isomorphic Pruning, https://arxiv.org/abs/2407.04616).

import type { Group, Grouping } from "../group/group.js";
import { usersOf } from "./limits.js";

/** Equal for groups of one form. */
export function isomorphisms({ model }: Grouping): (group: Group) => string {
  const users = usersOf(model.graph.nodes);
  return ({ kind, places }) => {
    const spans = places
      .filter(({ constant }) => constant)
      .map(({ value, axis, role }) => {
        const operators = (users.get(value) ?? []).map(({ domain, opType }) => `${domain}:${opType}`);
        return `${role}@${axis} of ${operators.sort().join("+")}`;
      });
    return [kind, ...spans.sort()].join("; ");
  };
}
