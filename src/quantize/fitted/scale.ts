// The scale (and zero point) of numbers that share one, by what it does to them: what the three searches have in common.

import { type BlockScale, blockScaleOf, storedScale } from "../../kernels/encode-scale.js";
import type { Coder, Finding } from "./problem.js";

export type { BlockScale } from "../../kernels/encode-scale.js";

/** `importance`: one number of at least 0 for each value; absent: all alike. */
export type FindScale = (values: Float32Array, importance: Float64Array | undefined) => BlockScale;

/** What a search is about: the grid, how scales are stored, which ones have zero points. */
export interface ScaleSearch {
  readonly coder: Coder;
  readonly finding: Finding;
  readonly affine: boolean;
  /** The number that a stored scale stands for. */
  factor(scale: number): number;
  /** The scale as stored that stands for about this number. */
  stored(factor: number): number;
}

export function scaleSearch(coder: Coder, finding: Finding): ScaleSearch {
  const tensorScale = Math.fround(finding.tensorScale);
  return {
    coder,
    finding,
    affine: finding.scaling.kind === "affine",
    factor: (scale) => Math.fround(scale * tensorScale),
    stored: (factor) => storedScale(factor / tensorScale, finding),
  };
}

/** As the kernels find it, by `finding.range`. */
export const foundByKernel =
  ({ coder, finding }: ScaleSearch): FindScale =>
  (values) =>
    blockScaleOf(values, coder, finding);

/** The number that a value becomes. */
export function nearestLevel({ coder, factor }: ScaleSearch, value: number, { scale, zeroPoint }: BlockScale): number {
  const size = factor(scale);
  if (size === 0) return 0;
  return coder.level(coder.place(value / size, zeroPoint), zeroPoint) * size;
}

/** Sum of importance times squared error. */
export function weightedError(
  search: ScaleSearch,
  values: Float32Array,
  importance: Float64Array | undefined,
  found: BlockScale,
): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const miss = values[i]! - nearestLevel(search, values[i]!, found);
    sum += (importance === undefined ? 1 : importance[i]!) * miss * miss;
  }
  return sum;
}

/**
 * The scale of the least weighted squared distance between `targets` and what the codes of `values` at `found` stand for, and
 * with `shift` the zero point too, as far as it is a code. Undefined where all codes stand for 0.
 */
export function refitted(
  search: ScaleSearch,
  values: Float32Array,
  targets: ArrayLike<number>,
  importance: Float64Array | undefined,
  found: BlockScale,
  shift: boolean,
): BlockScale | undefined {
  const { coder, affine } = search;
  const size = search.factor(found.scale);
  if (size === 0) return undefined;
  let [weights, ofLevels, ofTargets, squares, products] = [0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const weight = importance === undefined ? 1 : importance[i]!;
    const level = coder.level(coder.place(values[i]! / size, found.zeroPoint), found.zeroPoint);
    const target = targets[i]!;
    weights += weight;
    ofLevels += weight * level;
    ofTargets += weight * target;
    squares += weight * level * level;
    products += weight * level * target;
  }
  let zeroPoint = found.zeroPoint;
  if (affine && shift) {
    // target = slope * level + offset; the offset must be a whole number of steps.
    const spread = weights * squares - ofLevels * ofLevels;
    const slope = spread > 0 ? (weights * products - ofLevels * ofTargets) / spread : 0;
    if (slope > 0) {
      const steps = -(ofTargets - slope * ofLevels) / weights / slope;
      zeroPoint = Math.min(coder.steps, Math.max(0, Math.round(found.zeroPoint + steps)));
    }
    const moved = zeroPoint - found.zeroPoint;
    // Levels count from the zero point.
    products -= moved * ofTargets;
    squares += moved * moved * weights - 2 * moved * ofLevels;
  }
  if (!(squares > 0)) return undefined;
  const factor = products / squares;
  if (!Number.isFinite(factor) || factor === 0 || (factor < 0 && found.scale > 0)) return undefined;
  return { scale: search.stored(factor), zeroPoint };
}
