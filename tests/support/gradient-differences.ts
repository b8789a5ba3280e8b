// Central differences of a case's loss with respect to one input.

import { random } from "../../src/tensor/random.js";
import type { Filled } from "./gradient-fill.js";
import type { Forward, Results } from "./gradient-forward.js";

/** Entries of each input that are differenced: all, or so many drawn ones. */
const ENTRIES = 64;

/** By output, the gradient of the loss with respect to it. */
export type Directions = readonly (Float64Array | undefined)[];

/**
 * NaN where an entry was not drawn. The step is 1e-5 of the entry or of 1; `exact`, for linear operators: 1 from zero. The
 * outputs are subtracted before they are summed, so that a large loss costs no digits.
 */
export async function differences(
  forward: Forward,
  filled: Filled,
  name: string,
  directions: Directions,
  exact: boolean,
): Promise<Float64Array> {
  const at = filled.inputs.get(name)!;
  const base = exact ? new Float64Array(at.data.length) : at.data;
  const gradient = new Float64Array(at.data.length).fill(Number.NaN);
  const results = async (index: number, value: number) => {
    const data = base.slice();
    data[index] = value;
    return forward.run(new Map([...filled.inputs, [name, { dims: at.dims, data }]]));
  };
  for (const index of drawn(at.data.length)) {
    const step = exact ? 1 : 1e-5 * Math.max(1, Math.abs(base[index]!));
    const [low, high] = [base[index]! - step, base[index]! + step];
    gradient[index] = inner(await results(index, low), await results(index, high), directions) / (high - low);
  }
  return gradient;
}

/** <after - before, directions>. */
export function inner(before: Results, after: Results, directions: Directions): number {
  let sum = 0;
  directions.forEach((direction, output) => {
    const [from, to] = [before[output], after[output]];
    if (from === undefined || to === undefined) return;
    direction?.forEach((weight, i) => {
      sum += weight * (to.data[i]! - from.data[i]!);
    });
  });
  return sum;
}

function drawn(count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  if (count <= ENTRIES) return all;
  const generator = random(count);
  for (let i = 0; i < ENTRIES; i++) {
    const j = i + generator.int(count - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, ENTRIES);
}
