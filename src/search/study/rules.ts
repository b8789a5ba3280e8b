// What a study may combine: names that pruning has, its own word on what goes together, and what needs training.

import { PareError } from "../../base/errors.js";
import { parseStrict } from "../../base/options.js";
import type { StudyMethod } from "../../metrics/study-report.js";
import { type PruneOptions, pruneOptions } from "../../prune/options.js";
import { pruningSchedules } from "../../prune/schedules/index.js";
import { scopes } from "../../prune/scopes/index.js";
import { scores } from "../../prune/scores/index.js";
import { settle } from "../../prune/settle.js";
import { structures } from "../../prune/structures/index.js";
import { CHANCE, type StudyRules } from "./grid.js";
import { type RecipeParts, stepOf } from "./recipe.js";

/** "2:4" and "4x4", as the prune step takes them. */
const SHAPES = /^(\d+)([:x])(\d+)$/;

/** `rewindable`: whether earlier weights were given. */
export function studyRules(parts: RecipeParts & { readonly rewindable: boolean }): StudyRules {
  const trains = parts.finetune !== undefined;
  return {
    structures: { get: (name) => (SHAPES.test(name) ? structures.get("block") : structures.get(name)) },
    scores,
    scopes,
    schedules: pruningSchedules,
    share(structure) {
      const [, keep, sign, of] = SHAPES.exec(structure) ?? [];
      return sign === ":" ? 1 - Number(keep) / Number(of) : structure === "n-m" ? 0.5 : undefined;
    },
    impossible(method, ratio) {
      const own = withoutTraining(method, trains, parts.rewindable);
      if (own !== undefined) return own;
      try {
        const { method: _, ...options } = stepOf(method, ratio, 0, parts);
        settle(parseStrict(pruneOptions, options, "the study") as PruneOptions);
        return undefined;
      } catch (error) {
        if (error instanceof PareError) return error.message.replace(/\.$/, "");
        throw error;
      }
    },
    draws: ({ score }) => trains || score === CHANCE || scores.get(score).needs.length > 0,
  };
}

function withoutTraining({ weights }: StudyMethod, trains: boolean, rewindable: boolean): string | undefined {
  if (weights === "keep") return undefined;
  if (!trains) return `weights "${weights}" say where training begins, and nothing is trained (finetune)`;
  if (weights === "rewind" && !rewindable) return "there are no earlier weights to rewind to (earlier)";
  return undefined;
}
