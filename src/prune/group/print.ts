// Groups for people: what each spans, what one of its units takes along, and why it must stay where it must.

import type { GroupSummary } from "../../metrics/inspection.js";
import type { Group, Grouping, Place } from "./group.js";

/** Plain data, in graph order. */
export const summarise = ({ groups, dims }: Grouping): readonly GroupSummary[] =>
  groups.map((group) => ({
    name: group.name,
    kind: group.kind,
    units: group.units,
    parameters: parametersOf(group, dims),
    spans: group.places
      .filter(({ constant }) => constant)
      .map(({ value, axis, role, perUnit }) => ({ weight: value, axis, role, perUnit })),
    removable: group.obstacle === undefined,
    ...(group.obstacle && { why: group.obstacle.reason, node: group.obstacle.node }),
  }));

/** Elements of constants that go with one unit: a unit may lie along two axes of the same one. */
function parametersOf({ places }: Group, dims: Grouping["dims"]): number {
  const byWeight = new Map<string, Place[]>();
  for (const place of places)
    if (place.constant) byWeight.set(place.value, [...(byWeight.get(place.value) ?? []), place]);
  let total = 0;
  for (const [weight, along] of byWeight) {
    const shape = [...(dims.get(weight) ?? [])];
    const before = shape.reduce((all, dim) => all * dim, 1);
    for (const { axis, perUnit } of along) shape[axis] = shape[axis]! - perUnit;
    total += before - shape.reduce((all, dim) => all * dim, 1);
  }
  return total;
}
