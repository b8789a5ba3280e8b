// The forms of a study.

import { studyCsv } from "./csv.js";
import type { StudyForm } from "./form.js";
import { studyHtml } from "./html.js";
import { studyJson } from "./json.js";

export { withoutSamples } from "./json.js";
export { printStudy } from "./print.js";

export const studyForms: readonly StudyForm[] = [studyHtml, studyCsv, studyJson];
