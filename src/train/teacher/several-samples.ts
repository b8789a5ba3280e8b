// Losses about how samples stand to one another.

import { type TeacherFit, unfit } from "./teacher-loss.js";

/** Throws `invalid("teacher-unfit")` for batches of one sample. */
export function severalSamples({ student, teacher, names }: TeacherFit<unknown>): void {
  if ((student.dims[0] ?? 0) >= 2 && student.dims.length >= 2 && teacher.dims.length >= 2) return;
  throw unfit(
    names,
    "a batch of at least two samples, with values for each",
    `[${student.dims}] and [${teacher.dims}]`,
  );
}
