// Regular expressions as people write them where a name is asked for.

import { invalid } from "./errors.js";

/**
 * The test that "/.../" or "/.../i" stands for; undefined where a pattern has another form. Names of nodes begin with a slash
 * too, but end otherwise, or are found first. Throws `invalid("pattern-wrong")`.
 */
export function expression(pattern: string): ((name: string) => boolean) | undefined {
  const parts = /^\/(.+)\/([imsu]*)$/.exec(pattern);
  if (parts === null) return undefined;
  try {
    const compiled = new RegExp(parts[1]!, parts[2]);
    return (name) => compiled.test(name);
  } catch (cause) {
    throw invalid("pattern-wrong", `${pattern} is no regular expression.`, {
      found: cause instanceof Error ? cause.message : String(cause),
      hint: "A name that begins and ends with a slash is read as one; write a glob instead.",
      cause,
    });
  }
}
