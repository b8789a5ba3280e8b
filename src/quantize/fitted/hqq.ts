// Half-quadratic quantization (Badri and Shaji 2023): the scale and zero point of the least sum of |error|^p with p below 1, which
// lets a few weights be far off so that the many are near. No data is needed.

import { type BlockScale, type FindScale, foundByKernel, nearestLevel, refitted, type ScaleSearch } from "./scale.js";

/** As published; errors are taken in steps of the grid, so that the unit of the weights plays no part. */
const NORM = 0.7;
const BETA = 10;
const KAPPA = 1.01;
const ROUNDS = 20;

/**
 * Sum of |error|^0.7, what the method minimises. `values`: finite numbers that share a scale.
 */
export function heavyTailedError(search: ScaleSearch, values: Float32Array, found: BlockScale): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value - nearestLevel(search, value, found)) ** NORM;
  return sum;
}

/**
 * From the whole range and from that of the least squared error, whichever is better: errors that are large are taken out of the
 * values (a shrinkage step), scale and zero point are fitted to the rest (least squares), and so on. The paper fits the zero point
 * alone, as a float; here zero points are codes, as every form stores them, and the scale is fitted with them.
 */
export const foundByHalfQuadratic = (search: ScaleSearch): FindScale => {
  const { finding } = search;
  const whole = foundByKernel({ ...search, finding: { ...finding, range: { kind: "absmax" } } });
  const squares = foundByKernel({ ...search, finding: { ...finding, range: { kind: "mse", steps: 8 } } });
  return (values) => {
    let best = whole(values, undefined);
    if (search.factor(best.scale) === 0) return best;
    let least = heavyTailedError(search, values, best);
    for (const start of [best, squares(values, undefined)]) {
      let current = start;
      let beta = BETA;
      for (let round = 0; round < ROUNDS; round++, beta *= KAPPA) {
        const error = heavyTailedError(search, values, current);
        if (error < least) [best, least] = [current, error];
        else if (round > 0) break;
        const size = Math.abs(search.factor(current.scale));
        const targets = Float64Array.from(values, (value) => {
          const miss = (value - nearestLevel(search, value, current)) / size;
          return value - size * shrunk(miss, beta);
        });
        const next = refitted(search, values, targets, undefined, current, true);
        if (next === undefined || (next.scale === current.scale && next.zeroPoint === current.zeroPoint)) break;
        current = next;
      }
    }
    return best;
  };
};

/** The generalised soft threshold of |x|^p. */
function shrunk(value: number, beta: number): number {
  const size = Math.abs(value);
  return Math.sign(value) * Math.max(0, size - (size + 1e-8) ** (NORM - 1) / beta);
}
