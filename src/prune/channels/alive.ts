// What is left of every group, in the numbers of the original.

import type { Grouping } from "../group/group.js";
import type { Plan } from "../plan.js";
import type { Counts } from "./forecast.js";
import type { Ranked } from "./items.js";

/** Numbers of the units that are left, by group. */
export type Alive = Map<string, readonly number[]>;

export const goneOf = ({ groups }: Grouping, alive: Alive): Counts =>
  new Map(groups.map(({ name, units }) => [name, units - alive.get(name)!.length]));

export function planOf({ groups }: Grouping, alive: Alive): Plan {
  return {
    version: 1,
    groups: groups.flatMap(({ name, kind, units }) => {
      const left = new Set(alive.get(name));
      if (left.size === units) return [];
      const removed = Array.from({ length: units }, (_, unit) => unit).filter((unit) => !left.has(unit));
      return [{ name, kind, units, removed }];
    }),
  };
}

/** The least important of a group, as numbers of the units that it has now. */
export function unitsOf(order: readonly Ranked[], count: number, alive: readonly number[]): number[] {
  const now = new Map(alive.map((unit, at) => [unit, at]));
  return order
    .slice(0, Math.max(0, count))
    .map(({ unit }) => now.get(unit)!)
    .sort((a, b) => a - b);
}
