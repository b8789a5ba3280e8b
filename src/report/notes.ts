// Notes as people want them: warnings first, and many nodes with the same story told once.

import type { Report } from "../metrics/report.js";

export type ReportNote = NonNullable<Report["notes"]>[number];

export interface NoteGroup {
  readonly level: ReportNote["level"];
  readonly code: string;
  readonly notes: readonly ReportNote[];
}

/** By level and code, in order of first appearance, warnings before the rest. */
export function noteGroups(notes: readonly ReportNote[]): readonly NoteGroup[] {
  const groups = new Map<string, ReportNote[]>();
  for (const note of notes) {
    const key = `${note.level} ${note.code}`;
    const group = groups.get(key);
    if (group) group.push(note);
    else groups.set(key, [note]);
  }
  const all = [...groups.values()].map((list) => ({ level: list[0]!.level, code: list[0]!.code, notes: list }));
  return [...all.filter(({ level }) => level === "warning"), ...all.filter(({ level }) => level !== "warning")];
}

/** Notes of the report and of each model, the model named where it has more than one. */
export const allNotes = (report: Report): readonly ReportNote[] => [
  ...(report.notes ?? []),
  ...report.models.flatMap((row) => row.notes ?? []),
];
