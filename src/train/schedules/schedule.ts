// What a schedule is: the learning rate over the course of a training.

import type { z } from "zod";
import type { Method } from "../../base/registry.js";

interface Definition<Schema extends z.ZodObject> extends Method {
  readonly options: Schema;
  /** Factor of the learning rate at update `step` (0 for the first) of `total`. */
  factor(step: number, total: number, options: z.output<Schema>): number;
}

export interface Schedule extends Method {
  readonly options: z.ZodObject;
  factor(step: number, total: number, options: Record<string, unknown>): number;
}

/** Options reach the methods as `options` parsed them, so the schema's type holds. */
export const defineSchedule = <Schema extends z.ZodObject>(schedule: Definition<Schema>): Schedule =>
  Object.freeze(schedule) as unknown as Schedule;

/** From one factor to another along half a cosine; `at` from 0 to 1. */
export const cosineBetween = (from: number, to: number, at: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * at))) / 2;
