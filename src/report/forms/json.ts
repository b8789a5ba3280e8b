// JSON: the Report as it is. Its schema is published as schema/report.schema.json.

import { defineForm } from "../form.js";

export const json = defineForm({
  name: "json",
  summary: "the measured values, for programs",
  extensions: ["json"],
  render: async (report) => `${JSON.stringify(report, null, 2)}\n`,
});
