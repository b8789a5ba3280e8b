// LAMP: each score squared, as a share of the squares of all of its layer that are not less. The largest of every layer has
// 1, so that no layer is emptied; the order within a layer stays.

import { selectGlobally } from "./global-selection.js";
import { defineScope } from "./scope.js";

export const lamp = defineScope({
  name: "lamp",
  summary: "One threshold over scores that are relative to what is left of their layer (as published with score l1)",
  reference: "https://arxiv.org/abs/2010.07611",
  choose: (items, goal, _, context) => selectGlobally(items, goal, context, relative),
});

/** score(u) = s_u^2 / (sum of s_v^2 over all s_v >= s_u), section 3.1. Scores are not negative. */
function relative(scores: Float32Array): Float32Array {
  const sorted = scores.toSorted();
  const sums = new Float64Array(sorted.length + 1);
  for (let at = sorted.length - 1; at >= 0; at--) sums[at] = sums[at + 1]! + sorted[at]! ** 2;
  return scores.map((score) => {
    if (score <= 0) return 0;
    if (score === Number.POSITIVE_INFINITY) return score;
    return score ** 2 / sums[firstAt(sorted, score)]!;
  });
}

/** The first place in an ascending list whose number is not below `value`, which is in it. */
function firstAt(sorted: Float32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
