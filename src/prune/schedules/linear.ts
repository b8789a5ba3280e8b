// The same amount at every step.

import { definePruningSchedule } from "./schedule.js";

export const linear = definePruningSchedule({
  name: "linear",
  summary: "The same amount goes at every step",
  shareAt: (step, steps, goal) => (step >= steps ? goal : (goal * step) / steps),
});
