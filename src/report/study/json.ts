// JSON: the whole study, but for the outcome of every sample, which the files of the runs hold.

import type { StudyRecord, StudyReport } from "../../metrics/study-report.js";
import type { StudyForm } from "./form.js";

export const studyJson: StudyForm = {
  extension: "json",
  render: async (report) => `${JSON.stringify(withoutSamples(report), null, 1)}\n`,
};

/** A study in a size that people can open. */
export function withoutSamples(report: StudyReport): StudyReport {
  return {
    ...report,
    original: short(report.original),
    beside: report.beside.map((model) => ({ ...model, record: short(model.record) })),
    runs: report.runs.map((run) => (run.record ? { ...run, record: short(run.record) } : run)),
  };
}

function short(record: StudyRecord): StudyRecord {
  const bare = ({ value, samples }: StudyRecord["measured"]) => ({ value, samples });
  return { ...record, measured: bare(record.measured), heldOut: record.heldOut && bare(record.heldOut) };
}
