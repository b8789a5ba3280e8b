// The one error class. Errors are data: a code, whose fault it is, where, what was expected, what was found, what to do.

/**
 * Whose fault it is.
 * - `invalid`: the input or an option is wrong, the user can correct it;
 * - `unsupported`: the input is right, pare cannot do this (yet);
 * - `failed`: the world said no (disk full, no such file, the runtime refused, cancelled);
 * - `internal`: a bug in pare.
 */
export type ErrorKind = "invalid" | "unsupported" | "failed" | "internal";

export interface ErrorDetails {
  /** Stable, kebab-case, for programs: `file-truncated`, `option-unknown`, `opset-unsupported` ... */
  readonly code: string;
  readonly kind: ErrorKind;
  /** The graph node, tensor or file that the error is about. */
  readonly node?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What the user can do about it, as a full sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export class PareError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly node: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "PareError";
    this.code = details.code;
    this.kind = details.kind;
    this.node = details.node;
    this.expected = details.expected;
    this.found = details.found;
    this.hint = details.hint;
  }
}

type Rest = Omit<ErrorDetails, "code" | "kind">;

export const invalid = (code: string, message: string, rest: Rest = {}) =>
  new PareError(message, { code, kind: "invalid", ...rest });
export const unsupported = (code: string, message: string, rest: Rest = {}) =>
  new PareError(message, { code, kind: "unsupported", ...rest });
export const failed = (code: string, message: string, rest: Rest = {}) =>
  new PareError(message, { code, kind: "failed", ...rest });
export const internal = (message: string, rest: Rest = {}) =>
  new PareError(`internal: ${message}`, { code: "internal", kind: "internal", ...rest });

/** One paragraph for people: message, where, expected and found, what to do. */
export function describeError(error: unknown): string {
  if (!(error instanceof PareError)) return error instanceof Error ? error.message : String(error);
  const lines = [error.message];
  if (error.node !== undefined) lines.push(`  at: ${error.node}`);
  if (error.expected !== undefined) lines.push(`  expected: ${error.expected}`);
  if (error.found !== undefined) lines.push(`  found: ${error.found}`);
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  return lines.join("\n");
}
