// The schedules of the learning rate.

import { registry } from "../../base/registry.js";
import { constant } from "./constant.js";
import { cosine } from "./cosine.js";
import { linear } from "./linear.js";
import { oneCycle } from "./one-cycle.js";
import type { Schedule } from "./schedule.js";
import { step } from "./step.js";

export const schedules = registry<Schedule>("schedule", [constant, linear, cosine, step, oneCycle]);
