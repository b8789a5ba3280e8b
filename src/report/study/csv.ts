// CSV: one line a run, the original and the models beside it first, for spreadsheets and scripts.

import Papa from "papaparse";
import type { StudyOutcome, StudyRecord, StudyReport, StudyRun } from "../../metrics/study-report.js";
import type { StudyForm } from "./form.js";

type Cell = string | number | null;

interface Line {
  readonly kind: "original" | "beside" | "run";
  readonly name: string;
  readonly run?: StudyRun;
  readonly record?: StudyRecord | undefined;
  readonly outcome?: StudyOutcome | undefined;
}

/** Column name and value, in order. Ratios are original over result; changes are result minus original. */
const COLUMNS: readonly (readonly [string, (line: Line) => Cell | undefined])[] = [
  ["kind", ({ kind }) => kind],
  ["name", ({ name }) => name],
  ["structure", ({ run }) => run?.method.structure],
  ["score", ({ run }) => run?.method.score],
  ["scope", ({ run }) => run?.method.scope],
  ["schedule", ({ run }) => run?.method.schedule],
  ["steps", ({ run }) => run?.method.steps],
  ["weights", ({ run }) => run?.method.weights],
  ["ratio", ({ run }) => run?.ratio],
  ["seed", ({ run }) => run?.seed],
  ["compression", ({ outcome }) => outcome?.compression],
  ["theoretical_speed_up", ({ outcome }) => outcome?.speedUp],
  ["bytes_ratio", ({ outcome }) => outcome?.bytes],
  ["metric", ({ record }) => record?.metric],
  ["value", ({ record }) => record?.measured.value],
  ["change", ({ outcome }) => outcome?.change.value],
  ["change_low", ({ outcome }) => outcome?.change.low],
  ["change_high", ({ outcome }) => outcome?.change.high],
  ["samples", ({ record }) => record?.measured.samples],
  ["held_out", ({ record }) => record?.heldOut?.value],
  ["parameters", ({ record }) => record?.size.parameters],
  ["non_zero", ({ record }) => record?.size.nonZero],
  ["macs", ({ record }) => record?.size.macs],
  ["effective_macs", ({ record }) => record?.size.effectiveMacs],
  ["bytes", ({ record }) => record?.size.bytes],
  ["gzip_bytes", ({ record }) => record?.size.gzip],
  ["seconds", ({ record }) => record?.seconds],
  ["key", ({ record, run }) => record?.key ?? run?.key],
  ["error", ({ run }) => run?.error?.message],
];

export const studyCsv: StudyForm = {
  extension: "csv",
  async render(report) {
    const lines = linesOf(report).map((line) => COLUMNS.map(([, value]) => value(line) ?? null));
    // Names come from files: none may act as a formula in a spreadsheet.
    const text = Papa.unparse([COLUMNS.map(([name]) => name), ...lines], { newline: "\n", escapeFormulae: true });
    return `${text}\n`;
  },
};

const linesOf = ({ original, beside, runs, model }: StudyReport): readonly Line[] => [
  { kind: "original", name: model, record: original },
  ...beside.map(({ name, record, outcome }): Line => ({ kind: "beside", name, record, outcome })),
  ...runs.map((run): Line => ({ kind: "run", name: model, run, record: run.record, outcome: run.outcome })),
];
