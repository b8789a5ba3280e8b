// The learning rate of every update: a schedule, after a warm-up.

import { parseOptions } from "../base/options.js";
import { schedules } from "./schedules/index.js";

export interface ScheduleChoice {
  readonly name: string;
  /** Updates over which the rate rises evenly from nothing, before the schedule begins; default 0. */
  readonly warmup?: number | undefined;
  readonly [option: string]: unknown;
}

/**
 * Gives the learning rate at update `step` (0 for the first) of `total`, where `lr` is the highest.
 * Throws `invalid("schedule-unknown")` and what `parseOptions` throws.
 */
export function learningRate(choice: ScheduleChoice, lr: number, total: number): (step: number) => number {
  const { name, warmup = 0, ...own } = choice;
  const schedule = schedules.get(name);
  const options = parseOptions(schedule, own, "schedule");
  return (step) =>
    step < warmup
      ? (lr * (step + 1)) / warmup
      : lr * schedule.factor(step - warmup, Math.max(1, total - warmup), options);
}
