// Options are closed objects, parsed once at the border: an unknown key or a wrong value is an error that suggests.

import { z } from "zod";
import { optionError } from "./option-error.js";
import type { Method } from "./registry.js";

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
  throw optionError(parsed.error, schema, input, where);
}
