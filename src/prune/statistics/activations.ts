// What the channels of a group give behind their activation function.

import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Group } from "../group/group.js";
import type { ScoreOptions } from "../scores/options.js";
import type { ScoredGroup } from "../scores/score.js";

export type Activations = NonNullable<ScoredGroup["activations"]>;

export async function activationsOf(
  _model: Model,
  _groups: readonly Group[],
  _options: ScoreOptions,
  _context: StepContext,
  _notes: Note[],
): Promise<ReadonlyMap<string, Activations>> {
  return new Map();
}
