// The importance of the units of groups, from a score and its options.

import type { Note } from "../../base/note.js";
import type { StepContext } from "../../step/step.js";
import type { Group, Grouping } from "../group/group.js";
import { openScores } from "../scores/open.js";
import type { ScoreOptions } from "../scores/options.js";
import type { Score } from "../scores/score.js";

/** Of the groups of one model, one number a unit, larger is more important. Released when all are known. */
export interface UnitScores {
  unit(group: Group): Promise<ArrayLike<number>>;
  /** Why nothing is known of a group; ends the sentence "kept because ...". */
  obstacle(group: Group): string | undefined;
  readonly notes: readonly Note[];
  release(): Promise<void>;
}

export type OpenUnitScores = (grouping: Grouping, groups: readonly Group[]) => Promise<UnitScores>;

export const unitScores =
  (score: Score, options: ScoreOptions, context: StepContext): OpenUnitScores =>
  async (grouping, groups) => {
    const matrices = groups.flatMap(({ places }) =>
      places.filter(({ constant, role }) => constant && (role === "output" || role === "input")),
    );
    const weights = [...new Set(matrices.map(({ value }) => value))];
    const scores = await openScores(grouping.model, weights, score, { ...options, groups }, context);
    return {
      unit: (group) => scores.unit(group),
      obstacle: (group) => scores.groupObstacle(group),
      notes: scores.notes,
      release: () => scores.release(),
    };
  };
