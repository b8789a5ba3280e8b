// What every structure gives to the schedule: a model of which a growing share is gone, step by step.

import type { Note } from "../base/note.js";
import type { Model } from "../ir/model.js";
import type { GroupRow } from "./channels/rows.js";
import type { Plan } from "./plan.js";
import type { PruneRow } from "./table.js";

export interface Pruner {
  /** The goal as a share of the original that goes: schedules count up to it. */
  readonly share: number;
  /** Zeros that fine-tuning must leave alone. */
  readonly masked: boolean;
  /** `model`: the original, or what earlier steps and training made of it. Afterwards `share` of the original is gone. */
  step(model: Model, share: number): Promise<{ readonly model: Model; readonly notes: readonly Note[] }>;
  /** An earlier model, cut as the original was so far: what weights are rewound to. */
  earlier(model: Model): Promise<Model>;
  /** What went so far. */
  outcome(): Outcome;
}

export interface Outcome {
  /** Of the whole, said once at the end. */
  readonly notes: readonly Note[];
  readonly table: readonly PruneRow[];
  /** Of channels: what each group gave, and why not more; what to save for other weights. */
  readonly groups?: readonly GroupRow[];
  readonly plan?: Plan;
  readonly macs?: { readonly before: number; readonly after: number };
}
