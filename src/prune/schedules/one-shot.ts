// Everything goes at once.

import { definePruningSchedule } from "./schedule.js";

export const oneShot = definePruningSchedule({
  name: "one-shot",
  summary: "All of it at the first step; what is left of the steps only trains",
  shareAt: (_step, _steps, goal) => goal,
});
