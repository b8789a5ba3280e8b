// What every scope respects: how many cells of an item may go, in which steps, and what the user fixed.

import type { Goal, Item } from "./scope.js";

/** The nearest number of cells that may go: within `most`, and such that a multiple is kept (or all). */
export function allowedCount({ cells, most, multiple }: Item, wanted: number): number {
  if (multiple <= 1) return Math.max(0, Math.min(most, Math.round(wanted)));
  let kept = Math.round((cells - wanted) / multiple) * multiple;
  while (cells - kept > most) kept += multiple;
  return Math.max(0, cells - kept);
}

/** The count that the user stated for an item; undefined: the scope decides. */
export const fixedCount = (item: Item): number | undefined =>
  item.ratio === undefined ? undefined : allowedCount(item, item.ratio * item.cells);

/** What all cells of all items weigh in the goal's measure. */
export const totalOf = (items: readonly Item[], { measure }: Goal): number =>
  items.reduce((sum, item) => sum + item.cells * item[measure], 0);

/** What is still to go when the items that the user fixed are done. */
export const leftToGo = (items: readonly Item[], goal: Goal): number =>
  goal.share * totalOf(items, goal) -
  items.reduce((sum, item) => sum + (fixedCount(item) ?? 0) * item[goal.measure], 0);

/** The share of all that goes with these counts, 0 to 1. */
export function reachedShare(items: readonly Item[], goal: Goal, counts: readonly number[]): number {
  const total = totalOf(items, goal);
  return total === 0 ? 0 : items.reduce((sum, item, at) => sum + counts[at]! * item[goal.measure], 0) / total;
}
