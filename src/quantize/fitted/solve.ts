// One weight: its scales by the search that was asked for, and its codes, to nearest or with the errors made good.

import type { Multiply } from "../../statistics/cholesky.js";
import type { ProductView } from "../../statistics/products.js";
import { gptq } from "./gptq.js";
import { foundByHalfQuadratic } from "./hqq.js";
import { foundByImportance } from "./importance.js";
import type { FitLayout } from "./layout.js";
import { findScales, grouping, roundedToNearest } from "./nearest.js";
import { coderOf, type Fit, partCount, partsOf, type Sharing } from "./problem.js";
import { type FindScale, foundByKernel, scaleSearch } from "./scale.js";

export interface Solution {
  readonly fit: Fit;
  /** NVFP4: what all scales are multiplied by; else 1. */
  readonly tensorScale: number;
  /** Rounded to nearest although more was asked for: why. */
  readonly obstacle?: string | undefined;
}

/** What came in: [groups, inputs, inputs] sums of products, or [groups, inputs] sums of squares. */
export interface Inputs {
  readonly view: ProductView;
  readonly gram?: Float64Array | undefined;
  readonly squares?: Float64Array | undefined;
}

/** `weights`: in the order of the file, finite. Without `inputs`, scales and codes come from the weights alone. */
export async function solve(
  weights: Float32Array,
  given: FitLayout,
  inputs: Inputs | undefined,
  multiply: Multiply,
): Promise<Solution> {
  const { options, layout, sharing, tensorRange } = given;
  const coder = coderOf(layout.grids[0]!);
  const tensorScale = tensorRange === undefined ? 1 : Math.fround(largest(weights) / tensorRange) || 1;
  const { scaling, scaleFormat, range } = layout;
  const search = scaleSearch(coder, { scaling, scaleFormat, tensorScale, range, grid: layout.grids[0]! });
  const find: FindScale =
    options.range === "hqq"
      ? foundByHalfQuadratic(search)
      : options.range === "importance"
        ? foundByImportance(search)
        : foundByKernel(search);
  const parts = partsOf(sharing);
  const groups = grouping(parts, partCount(sharing));
  const importance = importanceOf(weights, given, inputs);
  if (options.rounding === "gptq" && inputs?.gram) {
    const { gram, view } = inputs;
    const size = view.inputs ** 2;
    const fit = await gptq({
      weights,
      view,
      parts,
      grouping: groups,
      search,
      find,
      importance,
      block: alongInputs(sharing, view) ? sharing.block : undefined,
      hessian: (group) => gram.subarray(group * size, (group + 1) * size),
      damping: options.damping,
      actOrder: options.actOrder,
      multiply,
    });
    if (fit) return { fit, tensorScale };
  }
  const found = findScales(weights, groups, find, importance);
  const fit = roundedToNearest(weights, parts, found, search);
  const refused = options.rounding === "gptq" && inputs?.gram !== undefined;
  return { fit, tensorScale, ...(refused && { obstacle: "the correlations of its inputs have no inverse" }) };
}

/** Whether a part is a run of the inputs of one output. */
const alongInputs = (
  { along, rows, columns, repeats }: Sharing,
  { groups, outputs, inputs, inputStride }: ProductView,
) =>
  repeats === undefined &&
  (along === "columns"
    ? inputStride === 1 && columns === inputs && rows === groups * outputs
    : groups === 1 && inputStride === columns && rows === inputs && columns === outputs);

/** What a squared error counts at an index, if not the same everywhere. */
function importanceOf(weights: Float32Array, { options }: FitLayout, inputs: Inputs | undefined) {
  if (options.range !== "importance") return undefined;
  if (options.importance === "weights") {
    let squares = 0;
    for (const value of weights) squares += value * value;
    // As llama.cpp without an importance matrix: the root mean square added, so that small weights count too.
    const mean = Math.sqrt(squares / weights.length);
    return (at: number) => mean + Math.abs(weights[at]!);
  }
  if (inputs === undefined) return undefined;
  const { view, gram, squares } = inputs;
  const { groups, inputs: count, groupStride, inputStride } = view;
  const all = Float64Array.from({ length: groups * count }, (_, at) =>
    squares ? squares[at]! : gram![at * count + (at % count)]!,
  );
  // An input that never came keeps a little importance: its weights must have some scale.
  const least = (all.reduce((sum, value) => sum + value, 0) / all.length) * 1e-4 || 1;
  return (at: number) => {
    const group = groups === 1 ? 0 : Math.floor(at / groupStride);
    return all[group * count + (Math.floor(at / inputStride) % count)]! + least;
  };
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
