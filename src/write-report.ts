// A report into a file, in the form that its name asks for: whole or not at all, as a model is.

import { invalid } from "./base/errors.js";
import type { Report } from "./metrics/report.js";
import type { ReportForm } from "./report/form.js";
import { reports } from "./report/index.js";
import { writeWhole } from "./whole-file.js";

/** The form for a path. Throws `invalid("option-invalid")` for another extension: ask before any work. */
export function reportForm(path: string): ReportForm {
  const extension = path.split(".").at(-1)?.toLowerCase() ?? "";
  const form = reports.list.find(({ extensions }) => extensions.includes(extension));
  if (form) return form;
  throw invalid("option-invalid", `A report cannot be written as "${path}".`, {
    expected: reports.list.flatMap(({ extensions }) => extensions.map((each) => `.${each}`)).join(", "),
    found: path,
  });
}

/** Not in the page, which has no files: use `reports.get("html").render(report)` there. */
export async function writeReport(report: Report, path: string): Promise<void> {
  await writeWhole(path, await reportForm(path).render(report));
}
