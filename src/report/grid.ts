// A table for the terminal, with its title; nothing where there is no row.

import Table from "cli-table3";
import pc from "picocolors";
import { BORDERLESS } from "./borderless.js";

export function grid(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const made = new Table({ head: head.map((text) => pc.dim(text)), ...BORDERLESS });
  for (const row of rows) made.push([...row]);
  return `${pc.bold(title)}\n${made.toString()}`;
}
