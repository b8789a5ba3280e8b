// The visible list of a kind of method: frozen, without duplicates, with lookups that suggest.

import { closest } from "fastest-levenshtein";
import type { z } from "zod";
import { internal, invalid } from "./errors.js";

/** What every method file declares, whatever its kind. */
export interface Method {
  /** Kebab-case, unique in its list; what users write in recipes and on the command line. */
  readonly name: string;
  /** One line for help and tables. */
  readonly summary: string;
  /** Paper or specification. */
  readonly reference?: string;
  /** Options with descriptions and defaults, when it has any. */
  readonly options?: z.ZodObject;
}

export interface Registry<T extends Method> {
  /** What the members are, in the singular, for messages: "number format". */
  readonly kind: string;
  readonly list: readonly T[];
  readonly names: readonly string[];
  /** Throws `invalid("<kind>-unknown")` with the nearest name. */
  get(name: string): T;
}

export function registry<T extends Method>(kind: string, list: readonly T[]): Registry<T> {
  const byName = new Map<string, T>();
  for (const method of list) {
    if (byName.has(method.name)) throw internal(`${kind} "${method.name}" is listed twice`);
    byName.set(method.name, method);
  }
  const names = Object.freeze([...byName.keys()]);
  return Object.freeze({
    kind,
    list: Object.freeze([...list]),
    names,
    get(name: string): T {
      const method = byName.get(name);
      if (method) return method;
      throw invalid(`${kind.replaceAll(" ", "-")}-unknown`, `There is no ${kind} "${name}".`, {
        expected: names.join(", "),
        found: name,
        hint: suggest(name, names),
      });
    },
  });
}

/** "Did you mean ...?" for a misspelt word, or undefined when nothing is near. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  return `Did you mean "${closest(word, [...known])}"?`;
}
