// What a schedule is: how the share that is gone grows from nothing to the goal.

import type { Method } from "../../base/registry.js";

export interface PruningSchedule extends Method {
  /** Share that is gone after step `step` of `steps` (1-based), for a goal of `goal`: 0 to 1, not falling, `goal` at the last. */
  shareAt(step: number, steps: number, goal: number): number;
}

export const definePruningSchedule = (schedule: PruningSchedule): PruningSchedule => Object.freeze(schedule);
