// What losses on the difference of prediction and target share.

import type { Emitter } from "../emitter.js";
import type { LossFit, LossSite, Target } from "./loss.js";
import { numberTarget } from "./targets.js";

/** Target numbers in the shape of the prediction. */
export const numbersLike = ({ prediction }: LossFit<unknown>): Target => numberTarget(prediction.dims);

/** prediction - target, as [batch, ...] of at least two axes; `size`: elements a sample. */
export function difference({ emit, value, target }: LossSite<unknown>): {
  readonly off: string;
  readonly rank: number;
  readonly size: number;
} {
  const dims = emit.dims(value);
  return { off: emit.sub(value, target), rank: dims.length, size: dims.slice(1).reduce((all, size) => all * size, 1) };
}

/** The mean over what each sample holds, [batch]. */
export const meanOfSample = (emit: Emitter, value: string): string =>
  emit.reduceMean(value, [...emit.dims(value).keys()].slice(1), false);
