// The sum of squares of each unit of a group over its coupled weights: as nodes of a training step, and as numbers.

import type { Emitter } from "../../train/emitter.js";
import type { Place } from "../group/group.js";

/** Weights whose slices make up a unit: those that make its channels and those that read them. */
export const isSlice = ({ constant, role }: Place): boolean => constant && (role === "output" || role === "input");

/** float32 [units]: of one weight. `value`: what the graph calls it. */
export function writeSquares(emit: Emitter, value: string, { axis, perUnit, positions }: Place, units: number): string {
  const dims = emit.dims(value);
  const inOrder = positions.length === dims[axis] && positions.every((position, i) => position === i);
  const taken = inOrder ? value : emit.gather(value, emit.ints([...positions]), axis);
  // Other axes first: then there is one small vector left, of which each unit has a row.
  const others = [...dims.keys()].filter((one) => one !== axis);
  const along = emit.reduceSquares(taken, others, false);
  if (perUnit === 1) return along;
  return emit.reduceSum(emit.reshape(along, [units, perUnit]), [1], false);
}

/** Adds the same of one weight to `sums`. */
export function addSquares(
  sums: Float64Array,
  values: Float32Array,
  dims: readonly number[],
  { axis, perUnit, positions }: Place,
): void {
  const inner = dims.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const size = dims[axis]!;
  const unitAt = new Int32Array(size).fill(-1);
  positions.forEach((position, i) => {
    unitAt[position] = Math.floor(i / perUnit);
  });
  values.forEach((value, i) => {
    const unit = unitAt[Math.floor(i / inner) % size]!;
    if (unit >= 0) sums[unit]! += value * value;
  });
}
