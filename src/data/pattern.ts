// Regular expressions in options: checked when the options are.

import { z } from "zod";

/** A regular expression as text. Matched by code points. */
export const pattern = () => z.string().refine(compiles, { error: "it is not a regular expression" });

function compiles(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}
