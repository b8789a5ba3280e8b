// Runs of one method at one share, all seeds together: an operating point; and which point held-out data would choose.

import type {
  Spread,
  StudyChoice,
  StudyOutcome,
  StudyPoint,
  StudyRecord,
  StudyRun,
} from "../../metrics/study-report.js";
import { methodName, type StudyGrid } from "./grid.js";
import { grouped } from "./grouped.js";
import { differ, meanDifference, spreadOf } from "./statistics.js";

/** A finished model against the original (Blalock et al., section 2: sizes over sizes, and no "percent pruned"). */
export const outcomeOf = (original: StudyRecord, { size, measured }: StudyRecord): StudyOutcome => ({
  compression: original.size.nonZero / Math.max(size.nonZero, 1),
  speedUp: original.size.effectiveMacs / Math.max(size.effectiveMacs, 1),
  bytes: original.size.bytes / size.bytes,
  change: differ(original.measured, measured),
});

export const withOutcomes = (runs: readonly StudyRun[], original: StudyRecord): readonly StudyRun[] =>
  runs.map((run) => (run.record ? { ...run, outcome: outcomeOf(original, run.record) } : run));

/** Points of all methods of which a run was finished, in the order of the runs, which have their outcomes. */
export function pointsOf(runs: readonly StudyRun[], grid: StudyGrid): readonly StudyPoint[] {
  const groups = grouped(runs, ({ method, ratio }) => JSON.stringify([method, ratio]));
  return [...groups.values()].flatMap((group): StudyPoint[] => {
    const done = group.flatMap(({ record, outcome }) => (record && outcome ? [{ record, outcome }] : []));
    if (done.length === 0) return [];
    const { method, ratio } = group[0]!;
    const held = done.flatMap(({ record }) => record.heldOut ?? []);
    const spread = (of: (one: StudyOutcome) => number): Spread => spreadOf(done.map(({ outcome }) => of(outcome)));
    return [
      {
        method,
        name: methodName(method, grid),
        ratio,
        failed: group.filter(({ error }) => error !== undefined).length,
        compression: spread(({ compression }) => compression),
        speedUp: spread(({ speedUp }) => speedUp),
        bytes: spread(({ bytes }) => bytes),
        accuracy: spreadOf(done.map(({ record }) => record.measured.value)),
        heldOut: held.length < done.length ? null : spreadOf(held.map(({ value }) => value)),
        change: meanDifference(done.map(({ outcome }) => outcome.change)),
      },
    ];
  });
}

/** For each structure and share the point that is best on held-out data; none where nothing was held out. */
export function choicesOf(points: readonly StudyPoint[], better: StudyRecord["better"]): readonly StudyChoice[] {
  const sign = better === "higher" ? 1 : -1;
  const groups = grouped(
    points.filter(({ heldOut }) => heldOut !== null),
    ({ method, ratio }) => JSON.stringify([method.structure, ratio]),
  );
  return [...groups.values()].map((group) => {
    const worth = (point: StudyPoint) => sign * point.heldOut!.mean;
    // Of equals the first: lists begin with what is simplest.
    const point = group.reduce((best, one) => (worth(one) > worth(best) ? one : best));
    return { structure: point.method.structure, ratio: point.ratio, point };
  });
}
