// --report: the form that the file name asks for.

import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { failed, invalid, type Report, reports } from "../index.js";
import type { Terminal } from "./terminal.js";

/** The form for a report path. Throws `invalid("option-invalid")` for another extension, before any work. */
export function reportForm(path: string): (typeof reports.list)[number] {
  const extension = extname(path).slice(1).toLowerCase();
  const form = reports.list.find(({ extensions }) => extensions.includes(extension));
  if (form) return form;
  throw invalid("option-invalid", `A report cannot be written as "${path}".`, {
    expected: reports.list.flatMap(({ extensions }) => extensions.map((each) => `.${each}`)).join(", "),
    found: path,
  });
}

export async function writeReport(report: Report, path: string, terminal: Terminal): Promise<void> {
  const text = await reportForm(path).render(report);
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw failed("report-unwritable", `The report ${path} cannot be written.`, { cause, hint: String(cause) });
  }
  terminal.say(`report: ${path}`);
}
