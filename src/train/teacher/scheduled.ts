// Numbers of options that may change over the training.

import { z } from "zod";
import type { Emitter } from "../emitter.js";
import type { Scheduled } from "./teacher-loss.js";

/** A number, or `{ from, to }`: evenly from one to the other over the updates. */
export const scheduledNumber = <Schema extends z.ZodType<number>>(number: Schema) =>
  z.union([number, z.strictObject({ from: number, to: number })]);

/** The number at this update, a scalar. `progress`: from 0 to 1. */
export function scheduledValue(emit: Emitter, value: Scheduled, progress: () => string): string {
  if (typeof value === "number") return emit.number(value);
  const { from, to } = value;
  return emit.shift(emit.scale(progress(), to - from), from);
}
