// Options are closed objects, parsed once at the border: an unknown key or a wrong value is an error that suggests.

import { z } from "zod";
import { invalid } from "./errors.js";
import { type Method, suggest } from "./registry.js";

/**
 * Checks options against what the method declares and fills in defaults. `where` names the place for the message.
 * Throws `invalid("option-unknown")` or `invalid("option-invalid")`.
 */
export function parseOptions(method: Method, input: unknown, where: string): Record<string, unknown> {
  return parseStrict(method.options ?? z.object({}), input, where);
}

/** The same for any object schema: dataset descriptions, reader options. */
export function parseStrict<T extends z.ZodObject>(schema: T, input: unknown, where: string): z.output<T> {
  const parsed = schema.strict().safeParse(input);
  if (parsed.success) return parsed.data as z.output<T>;
  const issue = parsed.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const found = issue.keys[0] ?? "?";
    const known = Object.keys(issue.path.length === 0 ? schema.shape : {});
    throw invalid("option-unknown", `There is no option "${found}" in ${where}.`, {
      expected: known.length > 0 ? known.join(", ") : undefined,
      found,
      hint: suggest(found, known),
    });
  }
  const option = issue?.path.join(".") ?? "";
  throw invalid("option-invalid", `Option "${option}" of ${where} is wrong: ${issue?.message ?? "unknown"}.`, {
    node: undefined,
    found: found(input, issue?.path ?? []),
  });
}

function found(input: unknown, path: readonly PropertyKey[]): string | undefined {
  let at: unknown = input;
  for (const key of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[key];
  return at === undefined ? "nothing" : JSON.stringify(at)?.slice(0, 80);
}
