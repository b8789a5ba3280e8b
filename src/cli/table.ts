// Columns for the terminal, without lines: aligned, as wide as they need.

import Table from "cli-table3";
import pc from "picocolors";
import { BORDERLESS } from "../report/borderless.js";

export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ ...BORDERLESS, head: head.map((text) => pc.dim(text)) });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
