// The same share of what is left at every step: what stays is (1 - goal)^t.

import { definePruningSchedule } from "./schedule.js";

export const exponential = definePruningSchedule({
  name: "exponential",
  summary: "The same share of what is left goes at every step",
  reference: "https://arxiv.org/abs/1803.03635",
  shareAt: (step, steps, goal) => (step >= steps ? goal : Math.min(goal, 1 - (1 - goal) ** (step / steps))),
});
