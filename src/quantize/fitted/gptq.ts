// GPTQ (Frantar et al. 2022): weights are rounded one input after the other, and what each rounding does to the outputs is made
// good by the weights of the inputs that are still to come, as the correlations of the inputs allow.

import { inverseFactor, type Multiply } from "../../statistics/cholesky.js";
import type { ProductView } from "../../statistics/products.js";
import { findScales, type Grouping, placeOf } from "./nearest.js";
import type { Fit } from "./problem.js";
import type { FindScale, ScaleSearch } from "./scale.js";

export interface GptqProblem {
  readonly weights: Float32Array;
  readonly view: ProductView;
  /** The scale of each weight. */
  readonly parts: Int32Array;
  readonly grouping: Grouping;
  readonly search: ScaleSearch;
  readonly find: FindScale;
  /** Of the input of the weight at an index: for searches that weigh errors. */
  readonly importance: ((at: number) => number) | undefined;
  /** Inputs of a row in a block with a scale of its own, where blocks run along the inputs; undefined: they do not. */
  readonly block: number | undefined;
  /** [inputs, inputs] of a group: sums of the products of two inputs. Not changed. */
  hessian(group: number): Float64Array;
  /** Share of the mean of the diagonal that is added to it. */
  readonly damping: number;
  /** Inputs in the order of decreasing squares; scales are then found before anything is rounded. */
  readonly actOrder: boolean;
  readonly multiply: Multiply;
}

/** Inputs that are rounded before their errors reach the others. */
const PANEL = 128;

/** Undefined: the Hessian of some group has no inverse, however much it is damped. */
export async function gptq(problem: GptqProblem): Promise<Fit | undefined> {
  const { weights, view, grouping, find, importance, actOrder, block } = problem;
  const { inputs, outputs, groups } = view;
  const { scales, zeroPoints } = findScales(weights, grouping, find, importance);
  const fit: Fit = { places: new Uint8Array(weights.length), scales, zeroPoints };
  for (let group = 0; group < groups; group++) {
    const hessian = problem.hessian(group);
    const order = Int32Array.from({ length: inputs }, (_, input) => input);
    if (actOrder) order.sort((a, b) => hessian[b * inputs + b]! - hessian[a * inputs + a]! || a - b);
    const factor = await factorOf(hessian, order, problem);
    if (factor === undefined) return undefined;
    const rows = new Float64Array(outputs * inputs);
    const at = indexOf(view, group);
    for (let output = 0; output < outputs; output++) {
      for (let i = 0; i < inputs; i++) rows[output * inputs + i] = weights[at(output, order[i]!)]!;
    }
    await roundRows(problem, fit, { group, rows, factor, order, block: actOrder ? undefined : block });
  }
  return fit;
}

const indexOf =
  ({ groupStride, outputStride, inputStride }: ProductView, group: number) =>
  (output: number, input: number) =>
    group * groupStride + output * outputStride + input * inputStride;

/** The upper triangular factor of the damped inverse, inputs in `order`. */
async function factorOf(hessian: Float64Array, order: Int32Array, { damping, multiply }: GptqProblem) {
  const size = order.length;
  let mean = 0;
  for (let i = 0; i < size; i++) mean += hessian[i * size + i]! / size;
  // Nothing ever came in: any weights do.
  if (!(mean > 0)) mean = 1;
  for (let share = damping; share <= 1; share = Math.max(share * 10, 1e-4)) {
    const damped = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      const from = order[i]! * size;
      for (let j = i; j < size; j++) damped[i * size + j] = hessian[from + order[j]!]!;
      damped[i * size + i] = damped[i * size + i]! + share * mean;
    }
    if (await inverseFactor(damped, size, multiply)) return damped;
  }
  return undefined;
}

interface Rows {
  readonly group: number;
  /** [outputs, inputs], inputs in `order`; changed on the way. */
  readonly rows: Float64Array;
  readonly factor: Float64Array;
  readonly order: Int32Array;
  /** Scales are found when their block is reached, for the weights as they are then. */
  readonly block: number | undefined;
}

async function roundRows(problem: GptqProblem, fit: Fit, given: Rows): Promise<void> {
  const { view, parts, search, multiply, importance, find } = problem;
  const { outputs, inputs } = view;
  const { rows, factor, order, block } = given;
  const { coder } = search;
  const at = indexOf(view, given.group);
  const width = block === undefined || PANEL % block === 0 ? PANEL : block * Math.max(1, Math.floor(PANEL / block));
  for (let start = 0; start < inputs; start += width) {
    const end = Math.min(inputs, start + width);
    const errors = new Float64Array(outputs * (end - start));
    for (let output = 0; output < outputs; output++) {
      const row = output * inputs;
      for (let i = start; i < end; i++) {
        const index = at(output, order[i]!);
        const part = parts[index]!;
        if (block !== undefined && i % block === 0) {
          const last = Math.min(inputs, i + block);
          const values = Float32Array.from({ length: last - i }, (_, k) => rows[row + i + k]!);
          const weights =
            importance && Float64Array.from({ length: last - i }, (_, k) => importance(at(output, order[i + k]!)));
          const found = find(values, weights);
          fit.scales[part] = found.scale;
          fit.zeroPoints[part] = found.zeroPoint;
        }
        const size = search.factor(fit.scales[part]!);
        const zeroPoint = fit.zeroPoints[part]!;
        const value = rows[row + i]!;
        const place = placeOf(coder, value, size, zeroPoint);
        fit.places[index] = place;
        const error = (value - coder.level(place, zeroPoint) * size) / factor[i * inputs + i]!;
        errors[output * (end - start) + i - start] = error;
        for (let j = i + 1; j < end; j++) rows[row + j] = rows[row + j]! - error * factor[i * inputs + j]!;
      }
    }
    const rest = inputs - end;
    if (rest === 0) break;
    const right = new Float64Array((end - start) * rest);
    for (let i = start; i < end; i++)
      right.set(factor.subarray(i * inputs + end, (i + 1) * inputs), (i - start) * rest);
    const passed = await multiply(errors, right, { m: outputs, k: end - start, n: rest });
    for (let output = 0; output < outputs; output++) {
      for (let j = 0; j < rest; j++) {
        const to = output * inputs + end + j;
        rows[to] = rows[to]! - passed[output * rest + j]!;
      }
    }
  }
}
