// Channels as the schedule of the prune step sees them: options come to methods, goals and limits here.

import { invalid } from "../../base/errors.js";
import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { distanceFrom } from "../distance.js";
import type { PruneOptions } from "../options.js";
import { type Plan, parsePlan } from "../plan.js";
import type { Pruner } from "../pruner.js";
import type { Settled } from "../settle.js";
import type { GroupStructure } from "../structures/structure.js";
import { type Measure, parseAmount } from "./amount.js";
import { openChannels } from "./channels.js";
import { type Replayed, replayPlan } from "./replay.js";
import { type Time, timer } from "./timing.js";
import { unitScores } from "./unit-scores.js";

/** `time`: what times cut models; default: this machine. Throws what `openChannels` throws, and `invalid("goal-invalid")`. */
export async function channelPruner(
  model: Model,
  { structure, score, scope, goal }: Settled,
  options: PruneOptions,
  context: StepContext,
  time: Time = timer(model, context),
): Promise<Pruner> {
  const { keep, only, layers, roundTo = "auto", maxRatio = 1, isomorphic = false, seed } = options;
  const measure: Measure = goal.measure === "ratio" ? "channels" : goal.measure;
  const { normalise = "mean", reduction, scoreSamples, scoreBatch, scoreLoss } = options;
  const scoring = { ...score.options, normalise, reduction, scoreSamples, scoreBatch, scoreLoss, seed };
  const channels = await openChannels(
    model,
    {
      structure: structure.method as GroupStructure,
      scope: scope.method,
      scopeOptions: scope.options,
      measure,
      amount: parseAmount(measure, goal.amount),
      keep,
      only,
      layers,
      roundTo,
      maxRatio,
      isomorphic,
    },
    { scores: unitScores(score.method, scoring, context), distance: distanceFrom(model, context), time },
    context,
  );
  return {
    share: channels.share,
    masked: false,
    step: (current, share) => channels.step(current, share),
    earlier: async (given) => (await replayPlan(given, channels.plan(), context)).model,
    outcome: () => ({
      notes: channels.notes,
      table: channels.table(),
      groups: channels.groups(),
      plan: channels.plan(),
      macs: { before: channels.macs.before, after: channels.macs.after() },
    }),
  };
}

/** Carries a plan out, in one step. Throws `invalid("plan-...")`, and `invalid("prune-options")` for goals and steps beside it. */
export function planPruner(options: PruneOptions, context: StepContext): Pruner {
  const plan: Plan = parsePlan(options.plan);
  const beside = (["ratio", "macs", "bytes", "latency", "steps", "schedule"] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (beside.length > 0) {
    throw invalid("prune-options", `A plan says what goes: ${beside.join(" and ")} would do nothing.`, {
      hint: "Leave the plan out, or the others.",
    });
  }
  let done: Replayed | undefined;
  const notes: Note[] = [];
  return {
    share: 1,
    masked: false,
    async step(model) {
      done = await replayPlan(model, plan, context);
      return { model: done.model, notes: done.notes };
    },
    earlier: async (model) => (await replayPlan(model, plan, context)).model,
    outcome: () => {
      const { table = [], groups = [], macs } = done ?? {};
      return { notes, table, groups, plan, ...(macs && { macs }) };
    },
  };
}
