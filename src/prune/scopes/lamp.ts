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

/** score(u) = s_u^2 / (sum of s_v^2 over all s_v >= s_u), section 3.1, ascending. Scores are not negative. */
function relative(scores: Float32Array): Float32Array {
  const sorted = scores.toSorted();
  const found = new Float32Array(sorted.length);
  let sum = 0;
  for (let at = sorted.length - 1; at >= 0; ) {
    const score = sorted[at]!;
    let first = at;
    while (first > 0 && sorted[first - 1] === score) first--;
    // Equal scores are not less than one another: all of them are in the sum.
    sum += (at - first + 1) * score ** 2;
    found.fill(score <= 0 ? 0 : score === Number.POSITIVE_INFINITY ? score : score ** 2 / sum, first, at + 1);
    at = first - 1;
  }
  return found;
}
