// What an operator does that reads, for each position along one axis, one position of its input: borders, repeats and
// reversals. Backward, each run of positions is cut out, summed or reversed, and put where it came from.

import type { Emitter } from "../emitter.js";
import { zeros } from "./zeros.js";

/** Positions `from` to `from + length - 1` read `first`, `first + step`, `first + 2 step` ... */
interface Run {
  readonly from: number;
  readonly first: number;
  length: number;
  step: -1 | 0 | 1;
}

/** `sources[j]` is the position read at `j`; below 0: none. */
export function runsOf(sources: readonly number[]): Run[] {
  const runs: Run[] = [];
  sources.forEach((source, at) => {
    const run = runs.at(-1);
    const follows = run !== undefined && source >= 0 && run.from + run.length === at;
    const change = follows ? source - (run.first + run.step * (run.length - 1)) : Number.NaN;
    if (follows && (run.length === 1 ? Math.abs(change) <= 1 : change === run.step)) {
      run.step = change as Run["step"];
      run.length++;
    } else if (source >= 0) runs.push({ from: at, first: source, length: 1, step: 0 });
  });
  return runs;
}

/** The gradient along `axis` of an input of `size` there, from that of the result. */
export function gradientOfSources(
  emit: Emitter,
  dy: string,
  axis: number,
  size: number,
  sources: readonly number[],
): string {
  const parts = runsOf(sources).map(({ from, first, length, step }) => {
    const count = emit.dims(dy)[axis]!;
    const end = from + length;
    const cut =
      step < 0
        ? emit.slice(dy, [axis], [end - 1], [from === 0 ? -count - 1 : from - 1], [-1])
        : emit.slice(dy, [axis], [from], [end]);
    const placed = step === 0 && length > 1 ? emit.reduceSum(cut, [axis]) : cut;
    const low = step < 0 ? first - length + 1 : first;
    const rank = emit.rank(dy);
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = low;
    pads[axis + rank] = size - low - emit.dims(placed)[axis]!;
    return emit.pad(placed, pads);
  });
  if (parts.length === 0) return zeros(emit, emit.dims(dy).with(axis, size), dy);
  return parts.reduce((sum, part) => emit.add(sum, part));
}
