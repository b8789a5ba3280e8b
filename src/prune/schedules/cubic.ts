// Much at first, while there is much that is not needed, and little at the end: s_f + (s_i - s_f) (1 - t)^3 with s_i = 0.

import { definePruningSchedule } from "./schedule.js";

export const cubic = definePruningSchedule({
  name: "cubic",
  summary: "Much goes at first and little at the end: goal x (1 - (1 - t)^3)",
  reference: "https://arxiv.org/abs/1710.01878",
  shareAt: (step, steps, goal) => (step >= steps ? goal : goal * (1 - (1 - step / steps) ** 3)),
});
