// The groups from which something may go, as the scopes see them: so many cells, what each weighs, how important it is. Always
// in the units of the original, also when some are gone already: shares of a schedule refer to what there was.

import type { Model } from "../../ir/model.js";
import { elementCount } from "../../tensor/dtype.js";
import type { Group, Grouping } from "../group/group.js";
import type { Item } from "../scopes/scope.js";
import type { Forecast } from "./forecast.js";
import type { Limit } from "./limits.js";

/** What one unit of a group weighs in the original, and what its main weight looks like. */
export interface Weighed extends Limit {
  readonly elements: number;
  readonly bytes: number;
  readonly macs: number;
  readonly shape: Item["shape"];
}

export function weigh({ model }: Grouping, limits: readonly Limit[], { macs, bytes }: Forecast): readonly Weighed[] {
  const whole = { macs: macs(new Map()), bytes: bytes(new Map()) };
  return limits.map((limit) => {
    const { group } = limit;
    const one = new Map([[group.name, 1]]);
    const elements = group.places.reduce((sum, { value, constant, perUnit, axis }) => {
      const dims = constant ? model.graph.initializers.get(value)?.dims : undefined;
      return dims?.[axis] ? sum + (elementCount(dims) / dims[axis]) * perUnit : sum;
    }, 0);
    return {
      ...limit,
      elements,
      macs: whole.macs - macs(one),
      bytes: whole.bytes - bytes(one),
      shape: shapeOf(group, model),
    };
  });
}

/** Of the first weight that makes the channels: rows and columns of a matrix, and the kernel of a convolution. */
function shapeOf({ places, units }: Group, { graph }: Model): Item["shape"] {
  const main = places.find(({ constant, role }) => constant && role === "output");
  const dims = main && graph.initializers.get(main.value)?.dims;
  if (!main || !dims || dims.length < 2) return { inputs: 1, outputs: units, kernel: [] };
  const others = dims.filter((_, axis) => axis !== main.axis);
  return { inputs: others[0]!, outputs: dims[main.axis]!, kernel: others.slice(1) };
}

/** One unit that is left, by its number in the original. */
export interface Ranked {
  readonly unit: number;
  readonly importance: number;
}

/** What is left of a group, least important first; of equals the lower number first. */
export function ranked(alive: readonly number[], importance: ArrayLike<number>): readonly Ranked[] {
  return alive
    .map((unit, at) => ({ unit, importance: importance[at]! }))
    .sort((a, b) => a.importance - b.importance || a.unit - b.unit);
}

/** The scores that scopes see: units that are gone already are the least important there are, so that they are counted first. */
export function scoresOf(units: number, left: readonly Ranked[]): Float32Array {
  const floor = left.reduce((least, { importance }) => Math.min(least, importance), 0);
  const scores = new Float32Array(units).fill(floor);
  for (const { unit, importance } of left) scores[unit] = importance;
  return scores;
}

/**
 * How many units go, from how many should: at least those that are gone, at most what may go, and what is left in multiples
 * (or all of it).
 */
export function legal(wanted: number, gone: number, { group: { units }, most, multiple }: Limit): number {
  const count = Math.min(Math.max(wanted, gone), Math.max(most, gone));
  if (count === gone) return gone;
  const left = Math.ceil((units - count) / multiple) * multiple;
  return Math.max(gone, units - left);
}
