// The forms of a report. The HTML form loads its charts when it is asked for, not before.

import { registry } from "../base/registry.js";
import type { ReportForm } from "./form.js";
import { html } from "./forms/html.js";
import { json } from "./forms/json.js";
import { md } from "./forms/md.js";
import { table } from "./forms/table.js";

export { printCheck } from "./check.js";
export { curve as printCurve } from "./curve.js";
export { printDevices } from "./estimate.js";
export type { ReportForm } from "./form.js";
export { printInspection } from "./inspection.js";
export { printStudy, withoutSamples } from "./study/index.js";

export const reports = registry<ReportForm>("report form", [html, md, json, table]);
