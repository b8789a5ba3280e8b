// What a report form is: one Report value in, one text out.

import type { Method } from "../base/registry.js";
import type { Report } from "../metrics/report.js";

export interface ReportForm extends Method {
  /** File extensions that ask for it, without the dot; none for forms that are only printed. */
  readonly extensions: readonly string[];
  /** The same report gives the same text. Names in it are hostile: every form escapes what it prints. */
  render(report: Report): Promise<string>;
}

export const defineForm = (form: ReportForm): ReportForm => Object.freeze(form);
