// What a form of a study is: one value in, one text out.

import type { StudyReport } from "../../metrics/study-report.js";

export interface StudyForm {
  readonly extension: "html" | "csv" | "json";
  /** The same study gives the same text. */
  render(report: StudyReport): Promise<string>;
}
