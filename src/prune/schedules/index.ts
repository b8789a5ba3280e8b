// The schedules of pruning.

import { registry } from "../../base/registry.js";
import { cubic } from "./cubic.js";
import { exponential } from "./exponential.js";
import { linear } from "./linear.js";
import { oneShot } from "./one-shot.js";
import type { PruningSchedule } from "./schedule.js";

export const pruningSchedules = registry<PruningSchedule>("pruning schedule", [oneShot, linear, exponential, cubic]);
