// The least important cells of all items together, exactly, with the scores of one item in memory at a time.

import type { Context } from "../../base/context.js";
import { fixedCount, leftToGo } from "./counts.js";
import { KeySearch, orderedKeys } from "./order.js";
import type { Goal, Item } from "./scope.js";

/** What is chosen as one: a cell, or as many cells as must go together so that a multiple is kept. */
interface Pooled {
  readonly at: number;
  /** Units that may go at most. */
  readonly most: number;
  /** What one weighs in the goal; the first of a multiple may be smaller. */
  readonly weight: number;
  readonly firstWeight: number;
  /** Cells of the first `units`. */
  cells(units: number): number;
  keys(): Promise<Uint32Array>;
}

/**
 * How many cells of each item go, so that the goal is met with the least important of all; ties go by item, then by index.
 * An item of which more would go than may gives what it may, and the others make up for it. `rescale` makes the scores of
 * one item comparable with those of others; it must keep which is less than which, and may give them sorted. Three passes
 * over the scores, more where items give all they may.
 */
export async function selectGlobally(
  items: readonly Item[],
  goal: Goal,
  context: Context,
  rescale: (scores: Float32Array) => Float32Array = (scores) => scores,
): Promise<number[]> {
  const counts = items.map((item) => fixedCount(item) ?? 0);
  let left = leftToGo(items, goal);
  let pool = items.flatMap((item, at) =>
    item.ratio === undefined && item[goal.measure] > 0 && item.most > 0 ? [pooled(item, at, goal, rescale)] : [],
  );
  while (pool.length > 0 && left > 0) {
    const chosen = await select(pool, left, context);
    const over = pool.filter(({ most }, index) => chosen[index]! > most);
    for (const [index, one] of pool.entries()) counts[one.at] = one.cells(Math.min(chosen[index]!, one.most));
    // What goes of these is settled; the threshold only rises for the others, so they would be over it again.
    for (const { at } of over) left -= counts[at]! * items[at]![goal.measure];
    if (over.length === 0) break;
    pool = pool.filter((one) => !over.includes(one));
  }
  return counts;
}

function pooled(item: Item, at: number, { measure }: Goal, rescale: (scores: Float32Array) => Float32Array): Pooled {
  const { cells, most, multiple } = item;
  const weight = item[measure];
  if (multiple <= 1) {
    const keys = async () => orderedKeys(rescale(await item.scores()));
    return { at, most, weight, firstWeight: weight, cells: (units) => units, keys };
  }
  // What stays is a multiple: the odd cells go first, then whole multiples.
  const first = cells % multiple === 0 ? multiple : cells % multiple;
  const cellsOf = (units: number) => (units === 0 ? 0 : first + (units - 1) * multiple);
  let units = 0;
  while (cellsOf(units + 1) <= most) units++;
  return {
    at,
    most: units,
    weight: weight * multiple,
    firstWeight: weight * first,
    cells: cellsOf,
    async keys() {
      const sorted = rescale(await item.scores()).toSorted();
      const means = Float32Array.from({ length: Math.ceil(cells / multiple) }, (_, unit) =>
        mean(sorted.subarray(cellsOf(unit), cellsOf(unit + 1))),
      );
      return orderedKeys(means);
    },
  };
}

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Units of each below the threshold of all; regardless of what each may give. */
async function select(pool: readonly Pooled[], goal: number, { signal }: Context): Promise<number[]> {
  const search = new KeySearch(goal);
  const each = async (use: (keys: Uint32Array, one: Pooled, index: number) => void) => {
    for (const [index, one] of pool.entries()) {
      signal?.throwIfAborted();
      use(await one.keys(), one, index);
    }
  };
  const split = (keys: Uint32Array, one: Pooled, add: (keys: Uint32Array, weight: number) => void) => {
    add(keys.subarray(0, 1), one.firstWeight);
    add(keys.subarray(1), one.weight);
  };
  await each((keys, one) => split(keys, one, (part, weight) => search.addHigh(part, weight)));
  search.settleHigh();
  await each((keys, one) => split(keys, one, (part, weight) => search.addLow(part, weight)));
  const { key, before } = search.settle();
  const chosen = pool.map(() => 0);
  let left = goal - before;
  await each((keys, one, index) => {
    let [below, equal] = [0, 0];
    for (let at = 0; at < keys.length; at++) {
      if (keys[at]! < key) below++;
      else if (keys[at] === key) equal++;
    }
    // As many of the ties as come nearest to the goal.
    const ties = Math.min(equal, Math.max(0, Math.round(left / one.weight)));
    left -= ties * one.weight;
    chosen[index] = below + ties;
  });
  return chosen;
}
