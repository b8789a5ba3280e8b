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
const totalOf = (items: readonly Item[], { measure }: Goal): number =>
  items.reduce((sum, item) => sum + item.cells * item[measure], 0);

/** What is to go. Items that the user fixed have a goal of their own: this one is that of all others. */
export const leftToGo = (items: readonly Item[], goal: Goal): number =>
  goal.share *
  totalOf(
    items.filter(({ ratio }) => ratio === undefined),
    goal,
  );

/** By how much these counts fall short of the goal, in its measure; rounding to whole cells is none. */
export function shortOf(items: readonly Item[], goal: Goal, counts: readonly number[]): number {
  const free = items.filter(({ ratio }) => ratio === undefined);
  const gone = items.reduce(
    (sum, item, at) => sum + (item.ratio === undefined ? counts[at]! * item[goal.measure] : 0),
    0,
  );
  const rounding = free.reduce((sum, item) => sum + (item[goal.measure] * item.multiple) / 2, 0);
  const short = leftToGo(items, goal) - gone;
  return short > rounding ? short : 0;
}
