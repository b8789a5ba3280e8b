// Optimal brain surgeon on the rows of a matrix (SparseGPT, Frantar and Alistarh 2023): inputs are gone through once; what is set
// to zero is made good by the weights of the inputs that are still to come, as the correlations of the inputs allow.

import type { Multiply } from "../../statistics/cholesky.js";
import type { SolveGoal } from "../scores/solve.js";

/** Inputs whose zeros are chosen together, before their errors reach the others: the paper's block. */
const BLOCK = 128;

export interface ObsProblem {
  /** [outputs, inputs], in an order in which `of` neighbours of a pattern stand together; changed on the way. */
  readonly rows: Float64Array;
  readonly outputs: number;
  readonly inputs: number;
  /** [inputs, inputs]: upper triangular U with U^T U the inverse of the damped Hessian, in the same order. */
  readonly factor: Float64Array;
  readonly goal: SolveGoal;
  /** Inputs after which groups of a pattern begin anew: the channels of a convolution at one place of its kernel. */
  readonly run: number;
  readonly multiply: Multiply;
}

/** `rows` with zeros; of a ratio exactly round(ratio * elements) of them. */
export async function surgeon(problem: ObsProblem): Promise<void> {
  const { rows, outputs, inputs, factor, goal, multiply } = problem;
  let gone = 0;
  for (const [start, end] of blocksOf(problem)) {
    const width = end - start;
    const zero = new Uint8Array(outputs * width);
    if ("ratio" in goal) gone += chooseShare(problem, zero, start, end, Math.round(goal.ratio * outputs * end) - gone);
    const errors = new Float64Array(outputs * width);
    for (let i = start; i < end; i++) {
      if (!("ratio" in goal) && (i % problem.run) % goal.of === 0) choosePattern(problem, zero, start, end, i, goal);
      const diagonal = factor[i * inputs + i]!;
      for (let output = 0; output < outputs; output++) {
        if (zero[output * width + i - start] === 0) continue;
        const row = output * inputs;
        const error = rows[row + i]! / diagonal;
        errors[output * width + i - start] = error;
        rows[row + i] = 0;
        if (error === 0) continue;
        for (let j = i + 1; j < end; j++) rows[row + j] = rows[row + j]! - error * factor[i * inputs + j]!;
      }
    }
    const rest = inputs - end;
    if (rest === 0) break;
    const right = new Float64Array(width * rest);
    for (let i = start; i < end; i++)
      right.set(factor.subarray(i * inputs + end, (i + 1) * inputs), (i - start) * rest);
    const passed = await multiply(errors, right, { m: outputs, k: width, n: rest });
    for (let output = 0; output < outputs; output++) {
      const to = output * inputs + end;
      for (let j = 0; j < rest; j++) rows[to + j] = rows[to + j]! - passed[output * rest + j]!;
    }
  }
}

/** Blocks of inputs; the groups of a pattern are never cut. */
function* blocksOf({ inputs, goal, run }: ObsProblem): Iterable<readonly [number, number]> {
  const width = "ratio" in goal ? BLOCK : goal.of * Math.max(1, Math.floor(BLOCK / goal.of));
  for (let first = 0; first < inputs; first += "ratio" in goal ? inputs : run) {
    const last = "ratio" in goal ? inputs : Math.min(inputs, first + run);
    for (let start = first; start < last; start += width) yield [start, Math.min(last, start + width)];
  }
}

/** What removing it costs, as the weights are now. */
const cost = ({ rows, factor, inputs }: ObsProblem, output: number, input: number) =>
  (rows[output * inputs + input]! / factor[input * inputs + input]!) ** 2;

/** Marks the `count` of a block that cost least; the first of equal ones. How many there are. */
function chooseShare(problem: ObsProblem, zero: Uint8Array, start: number, end: number, count: number): number {
  const width = end - start;
  const costs = new Float64Array(zero.length);
  for (let at = 0; at < costs.length; at++) costs[at] = cost(problem, Math.floor(at / width), start + (at % width));
  const most = Math.min(Math.max(count, 0), costs.length);
  if (most === 0) return 0;
  const limit = costs.slice().sort()[most - 1]!;
  let ties = most;
  for (const one of costs) if (one < limit) ties--;
  for (let at = 0; at < costs.length; at++) {
    if (costs[at]! < limit || (costs[at] === limit && ties-- > 0)) zero[at] = 1;
  }
  return most;
}

/** Marks, in every row, all but the `keep` dearest of the group that begins at an input. */
function choosePattern(
  problem: ObsProblem,
  zero: Uint8Array,
  start: number,
  end: number,
  first: number,
  { keep, of }: { readonly keep: number; readonly of: number },
): void {
  const last = Math.min(end, first + of);
  const order = Array.from({ length: last - first }, (_, at) => first + at);
  for (let output = 0; output < problem.outputs; output++) {
    order.sort((a, b) => cost(problem, output, a) - cost(problem, output, b) || a - b);
    // What is missing at the end of a run counts as gone.
    for (const input of order.slice(0, Math.max(0, order.length - keep)))
      zero[output * (end - start) + input - start] = 1;
  }
}
