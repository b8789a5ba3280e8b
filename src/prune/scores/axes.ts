// Where the elements of a weight stand: along its reduction axis, and in the slices that belong to units.

import type { ScoredWeight, Slices } from "./score.js";

/** Calls `visit` for every element with its place among `inputSquares`. */
export function eachElement(
  { dims, reductionAxis, outputAxis, parts }: Pick<ScoredWeight, "dims" | "reductionAxis" | "outputAxis" | "parts">,
  visit: (at: number, input: number) => void,
): void {
  if (reductionAxis === undefined) return;
  const [inputs, outputs] = [dims[reductionAxis]!, dims[outputAxis]!];
  const [inner, beside] = [after(dims, reductionAxis), after(dims, outputAxis)];
  const each = outputs / parts;
  const elements = dims.reduce((all, size) => all * size, 1);
  for (let at = 0; at < elements; at++) {
    const part = parts === 1 ? 0 : Math.floor((Math.floor(at / beside) % outputs) / each);
    visit(at, part * inputs + (Math.floor(at / inner) % inputs));
  }
}

/** The sum of `value` over the elements of each unit, in float64. */
export function sumSlices(dims: readonly number[], slices: Slices, value: (at: number) => number): Float64Array {
  const sums = new Float64Array(slices.units);
  eachSlice(dims, slices, (unit, from, to) => {
    for (let at = from; at < to; at++) sums[unit] = sums[unit]! + value(at);
  });
  return sums;
}

/** The elements of each unit in the weight's own order. */
export function sliceRows(values: Float32Array, dims: readonly number[], slices: Slices): Float32Array[] {
  const counts = new Int32Array(slices.units);
  eachSlice(dims, slices, (unit, from, to) => {
    counts[unit] = counts[unit]! + to - from;
  });
  const rows = Array.from(counts, (count) => new Float32Array(count));
  counts.fill(0);
  eachSlice(dims, slices, (unit, from, to) => {
    rows[unit]!.set(values.subarray(from, to), counts[unit]!);
    counts[unit] = counts[unit]! + to - from;
  });
  return rows;
}

/** Calls `visit` for each run of elements that stand together and belong to one unit. */
function eachSlice(
  dims: readonly number[],
  { axis, unitOf }: Slices,
  visit: (unit: number, from: number, to: number) => void,
): void {
  const inner = after(dims, axis);
  const outer = dims.slice(0, axis).reduce((all, size) => all * size, 1);
  for (let row = 0, from = 0; row < outer; row++) {
    for (const unit of unitOf) {
      if (unit >= 0) visit(unit, from, from + inner);
      from += inner;
    }
  }
}

const after = (dims: readonly number[], axis: number) => dims.slice(axis + 1).reduce((all, size) => all * size, 1);
