// Notes: how passes and methods explain to the user what was done, what was not, and why.

export interface Note {
  readonly level: "info" | "warning";
  /** Stable, kebab-case: `kept-float`, `quantized`, `folded`, `value-out-of-range` ... */
  readonly code: string;
  /** Label of the node or name of the tensor that the note is about, if any. */
  readonly node?: string | undefined;
  /** One sentence. */
  readonly text: string;
}

export const info = (code: string, text: string, node?: string): Note =>
  node === undefined ? { level: "info", code, text } : { level: "info", code, node, text };
export const warning = (code: string, text: string, node?: string): Note =>
  node === undefined ? { level: "warning", code, text } : { level: "warning", code, node, text };
