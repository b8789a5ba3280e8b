// NaN in a format that has no code for it.

import { invalid } from "../base/errors.js";

/** The error that every `encode` throws for NaN where no code would be right. */
export const nanRefused = (format: string) =>
  invalid("number-nan", `${format} has no code for NaN.`, {
    expected: "a number",
    found: "NaN",
    hint: "Look for what makes the NaN: a weight that is NaN, or a division of zero by zero.",
  });
