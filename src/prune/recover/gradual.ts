// Pruning while a model is trained: every so many updates the share of zeros grows by a schedule, until it is what was asked
// for, and training goes on to the end with the zeros as they are (Zhu and Gupta 2017, https://arxiv.org/abs/1710.01878).

import { invalid } from "../../base/errors.js";
import { info } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Value } from "../../tensor/value.js";
import type { Attached, AttachSite } from "../../train/attached.js";
import { zerosStay } from "../../train/constraint.js";
import { finetuneModel } from "../../train/finetune.js";
import type { FinetuneOptions } from "../../train/finetune-options.js";
import { batchNorm } from "../../train/finetune-plan.js";
import type { Interlude } from "../../train/interlude.js";
import type { TrainableWeight } from "../../train/prepared.js";
import { pruningSchedules } from "../schedules/index.js";
import type { Recovered, RecoveryRun } from "./recover.js";
import { renewBatchNorm } from "./renew.js";

export interface GradualWeight {
  readonly dims: readonly number[];
  /** As they are now, zeros included. */
  readonly values: Float32Array;
}

export interface Gradual {
  readonly finetune: FinetuneOptions;
  /** Share that is gone at the end, handed to `prune` by way of the schedule. */
  readonly goal: number;
  /** Name of a pruning schedule; default cubic. */
  readonly schedule?: string | undefined;
  /** Updates between two prunings; default 100. */
  readonly every?: number | undefined;
  /** A share of all updates up to 1, or their number; default 0. */
  readonly begin?: number | undefined;
  /** Likewise; default 0.75. There the goal is reached. */
  readonly end?: number | undefined;
  /** What is pruned, by name in the model. */
  readonly weights: readonly string[];
  /** New values of the weights that change, zeros where they are pruned. By the arguments alone, so that runs repeat. */
  prune(
    weights: ReadonlyMap<string, GradualWeight>,
    share: number,
  ): ReadonlyMap<string, Float32Array> | Promise<ReadonlyMap<string, Float32Array>>;
  /** How `prune` chooses, as plain data: a checkpoint of other choices is refused. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** See `Recovery`. */
  readonly batchNormSamples?: number | undefined;
}

/**
 * Zeros stay zero from one pruning to the next and to the end. What is looked at before the goal is reached neither chooses
 * among weights nor ends the training. The optimizer goes on as it was. Throws `invalid("gradual-range" | "gradual-weight")` and
 * what `finetuneModel` throws.
 */
export async function pruneGradually(
  model: Model,
  gradual: Gradual,
  context: StepContext,
  run: RecoveryRun = {},
): Promise<Recovered> {
  const shares: { readonly update: number; readonly share: number }[] = [];
  const attach = ({ weights }: AttachSite) => attached(gradual, weights, shares);
  const { finetune } = gradual;
  const finetuned = await finetuneModel(model, finetune, context, { ...run, attach });
  // Weights that were trained for the running statistics they have must keep these.
  const trained = batchNorm(finetune, context.data.split("train").size) === "train";
  const renewal = { samples: trained ? gradual.batchNormSamples : 0, finetune, held: finetuned.best?.held };
  const last = await renewBatchNorm(finetuned.model, renewal, context);
  const [first, final] = [shares[0], shares.at(-1)];
  const text =
    first &&
    `${shares.length} prunings between updates ${first.update} and ${final!.update}: ${percent(first.share)} to ${percent(final!.share)} % (${gradual.schedule ?? SCHEDULE}).`;
  return {
    model: last.model,
    notes: [...finetuned.notes, ...(text ? [info("pruned-gradually", text)] : []), ...last.notes],
    log: finetuned.log,
    finetuned,
  };
}

const SCHEDULE = "cubic";

const percent = (share: number) => Number((100 * share).toPrecision(3)).toString();

function attached(
  gradual: Gradual,
  weights: readonly TrainableWeight[],
  shares: { readonly update: number; readonly share: number }[],
): Attached {
  const { goal, schedule = SCHEDULE, every = 100, begin = 0, end = 0.75 } = gradual;
  const { shareAt } = pruningSchedules.get(schedule);
  const bySource = new Map(weights.map((weight) => [weight.source, weight]));
  const chosen = gradual.weights.map((name) => {
    const weight = bySource.get(name);
    if (weight) return weight;
    throw invalid("gradual-weight", `The weight "${name}" cannot be pruned while training: it is not trained.`, {
      node: name,
      hint: "Leave it out, or do not freeze it.",
    });
  });
  const sources = new Map(chosen.map(({ name, source }) => [name, source]));
  const names = new Map(chosen.map(({ name, source }) => [source, name]));
  const span = (total: number) => range(begin, end, total);
  const interlude: Interlude = {
    weights: [...sources.keys()],
    last: (total) => span(total).last,
    isDue(update, total) {
      const { first, last } = span(total);
      return update > first && update <= last && ((update - first) % every === 0 || update === last);
    },
    async change(values, update, total) {
      const { first, last } = span(total);
      const share = shareAt(Math.ceil((update - first) / every), Math.ceil((last - first) / every), goal);
      shares.push({ update, share });
      const given = [...values].map(([name, { dims, data }]) => {
        const weight: GradualWeight = { dims, values: data as Float32Array };
        return [sources.get(name)!, weight] as const;
      });
      const made = await gradual.prune(new Map(given), share);
      return new Map(
        [...made].map(([source, data]): [string, Value] => {
          const name = names.get(source)!;
          return [name, { dtype: "float32", dims: values.get(name)!.dims, data }];
        }),
      );
    },
  };
  const settings = { gradual: { goal, schedule, every, begin, end, weights: gradual.weights, ...gradual.settings } };
  return { constraints: [zerosStay(new Set(sources.keys()))], interlude, settings };
}

/** Pruning is due after updates above `first`, up to and including `last`. */
function range(begin: number, end: number, total: number): { first: number; last: number } {
  const at = (place: number) => Math.min(total, place <= 1 ? Math.round(place * total) : Math.round(place));
  const [first, last] = [at(begin), at(end)];
  if (first < last) return { first, last };
  throw invalid("gradual-range", "Gradual pruning ends before it begins.", {
    expected: `an end after its begin, of ${total} updates`,
    found: `begin ${first}, end ${last}`,
  });
}
