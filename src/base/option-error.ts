// What is wrong with options, from what zod found: an unknown key with the ones that may stand there, a wrong value with
// what is expected and what to write instead.

import { z } from "zod";
import { invalid, type PareError } from "./errors.js";
import { suggest } from "./registry.js";

type Issue = z.core.$ZodIssue;

/** `invalid("option-unknown")` or `invalid("option-invalid")`. `where` names what the options are of. */
export function optionError(error: z.ZodError, schema: z.ZodType, input: unknown, where: string): PareError {
  const { issue, path } = deepest(error.issues[0]!, []);
  const at = path.map(String).join(".");
  const value = valueAt(input, path);
  if (issue.code === "unrecognized_keys") {
    const found = issue.keys[0]!;
    const known = knownKeys(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), path, value);
    return invalid("option-unknown", `There is no option "${found}" in ${at === "" ? where : `${at} of ${where}`}.`, {
      expected: known.length === 0 ? undefined : known.join(", "),
      found,
      hint: suggest(found, known),
    });
  }
  const { expected, hint } = wanted(issue, value);
  const why = expected === undefined ? `is wrong: ${issue.message}` : "is wrong";
  return invalid("option-invalid", `Option "${at}" of ${where} ${why}.`, {
    expected,
    found: JSON.stringify(value)?.slice(0, 80) ?? "nothing",
    hint,
  });
}

interface Wanted {
  /** Undefined: the issue's own message says it. */
  readonly expected?: string | undefined;
  readonly hint?: string | undefined;
}

function wanted(issue: Issue, value: unknown): Wanted {
  switch (issue.code) {
    case "invalid_value":
      return {
        expected: issue.values.map(String).join(", "),
        hint: typeof value === "string" ? suggest(value, issue.values.map(String)) : undefined,
      };
    case "too_big":
      return { expected: `${issue.inclusive ? "at most" : "less than"} ${counted(issue.maximum, issue.origin)}` };
    case "too_small":
      return { expected: `${issue.inclusive ? "at least" : "more than"} ${counted(issue.minimum, issue.origin)}` };
    case "invalid_type":
      return { expected: TYPES[issue.expected] ?? issue.expected, hint: written(issue.expected, value) };
    default:
      return {};
  }
}

const TYPES: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const counted = (limit: number | bigint, origin: string) =>
  `${limit}${origin === "array" ? " entries" : origin === "string" ? " characters" : ""}`;

/** How the value would be written as the type that is expected, where it plainly can. */
function written(expected: string, value: unknown): string | undefined {
  const numeric = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  // Of numbers in quotes nobody knows which of the two is wrong.
  if (expected === "array" && typeof value === "string" && !numeric) return `Write [${JSON.stringify(value)}].`;
  if ((expected === "number" || expected === "int") && numeric) return `Write ${value}, without quotes.`;
  if (expected === "boolean" && (value === "true" || value === "false")) return `Write ${value}, without quotes.`;
  return undefined;
}

/** Of a union's branches, the one that got furthest tells what is wrong. */
function deepest(issue: Issue, before: readonly PropertyKey[]): { issue: Issue; path: readonly PropertyKey[] } {
  const path = [...before, ...issue.path];
  if (issue.code !== "invalid_union") return { issue, path };
  const inner = issue.errors.flatMap((branch) => (branch[0] ? [deepest(branch[0], path)] : []));
  inner.sort(
    (a, b) =>
      b.path.length - a.path.length ||
      Number(b.issue.code === "unrecognized_keys") - Number(a.issue.code === "unrecognized_keys"),
  );
  return inner[0] ?? { issue, path };
}

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], input);

interface Described {
  readonly properties?: Readonly<Record<string, Described & { readonly const?: unknown }>>;
  readonly anyOf?: readonly Described[];
  readonly oneOf?: readonly Described[];
  readonly additionalProperties?: unknown;
  readonly items?: Described;
}

/** The keys that may stand at a path, of the branch of each union that the value says it is. */
function knownKeys(schema: unknown, path: readonly PropertyKey[], value: unknown): readonly string[] {
  let at = branches(schema as Described);
  for (const key of path) at = at.flatMap((one) => branches(inside(one, key)));
  const objects = at.filter(({ properties }) => properties !== undefined);
  const said = objects.filter(({ properties }) =>
    Object.entries(properties!).every(
      ([key, { const: fixed }]) => fixed === undefined || (value as Record<string, unknown>)?.[key] === fixed,
    ),
  );
  return [...new Set((said.length > 0 ? said : objects).flatMap(({ properties }) => Object.keys(properties!)))];
}

const inside = ({ properties, items, additionalProperties }: Described, key: PropertyKey) =>
  properties?.[String(key)] ?? (typeof key === "number" ? items : (additionalProperties as Described | undefined));

const branches = (schema: Described | undefined): Described[] =>
  schema ? [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(branches)] : [];
