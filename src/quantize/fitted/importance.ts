// The scale of the least weighted squared error: each weight counts as much as what it is multiplied by (the mean square of its
// input), as llama.cpp's k-quants do with an importance matrix.

import { lowestRatio } from "../../kernels/encode-search.js";
import { type BlockScale, type FindScale, foundByKernel, refitted, type ScaleSearch, weightedError } from "./scale.js";

/** Shares of the range that are tried at each end. */
const SHARES = 8;
const REFITS = 4;

/**
 * Both ends of the range shrink on their own where there is a zero point; then scale and zero point are refitted to the codes
 * (weighted least squares) as long as that helps. Never worse, by weighted error, than the evenly spaced shares of range `mse`
 * at its default of 8 steps.
 */
export const foundByImportance = (search: ScaleSearch): FindScale => {
  const { coder, finding, affine } = search;
  const whole = foundByKernel({ ...search, finding: { ...finding, range: { kind: "absmax" } } });
  const lowest = lowestRatio(coder.steps + 1);
  const shares = Array.from({ length: SHARES }, (_, i) => 1 - (i * (1 - lowest)) / (SHARES - 1));
  const step = (1 - lowest) / (SHARES - 1);
  return (values, importance) => {
    let best = whole(values, undefined);
    if (search.factor(best.scale) === 0) return best;
    let least = weightedError(search, values, importance, best);
    const offer = (found: BlockScale | undefined): boolean => {
      if (found === undefined || search.factor(found.scale) === 0) return false;
      const error = weightedError(search, values, importance, found);
      if (!(error < least)) return false;
      [best, least] = [found, error];
      return true;
    };
    if (affine) {
      const { low, high } = ends(values);
      let at = [1, 1] as [number, number];
      const look = (bottom: number, top: number) => {
        if (bottom > 0 && top > 0 && offer(ranged(low * bottom, high * top, search))) at = [bottom, top];
      };
      for (const bottom of shares) for (const top of shares) look(bottom, top);
      const [bottom, top] = at;
      for (const down of [-1, 0, 1]) {
        for (const up of [-1, 0, 1]) look(bottom + (down * step) / 2, top + (up * step) / 2);
      }
    } else {
      const factor = search.factor(best.scale);
      // A signed grid reaches one step further on one side: either may be the better one.
      const signs = finding.scaling.kind === "signed" ? [1, -1] : [1];
      for (const sign of signs) {
        for (const share of shares) {
          offer({ ...best, scale: search.stored(sign * factor * share) });
          offer({ ...best, scale: search.stored(sign * factor * (share - step / 2)) });
        }
      }
    }
    for (let i = 0; i < REFITS; i++) {
      const moved = affine && offer(refitted(search, values, values, importance, best, true));
      if (!offer(refitted(search, values, values, importance, best, false)) && !moved) break;
    }
    return best;
  };
};

/** The range, widened to hold 0. */
function ends(values: Float32Array): { readonly low: number; readonly high: number } {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function ranged(low: number, high: number, search: ScaleSearch): BlockScale | undefined {
  const { steps } = search.coder;
  const scale = search.stored((high - low) / steps);
  const factor = search.factor(scale);
  if (!(factor > 0)) return undefined;
  return { scale, zeroPoint: Math.min(steps, Math.max(0, Math.round(-low / factor))) };
}
