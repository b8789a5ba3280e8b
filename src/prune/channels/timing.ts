// How long a cut model takes beside the original: both in turn on the first sample, so that a slow machine is slow for both.

import { failed } from "../../base/errors.js";
import type { Note } from "../../base/note.js";
import { openSession } from "../../engine/session.js";
import { weightBytes } from "../../engine/weight-bytes.js";
import type { Model } from "../../ir/model.js";
import { metrics } from "../../metrics/index.js";
import type { MetricContext, Subject } from "../../metrics/metric.js";
import type { StepContext } from "../../step/step.js";
import type { Feeds } from "../../tensor/value.js";

/** Milliseconds of the original, and of a model over it. */
export interface Timing {
  readonly ms: number;
  readonly ratio: number;
}

export type Time = (model: Model) => Promise<Timing>;

const BUDGET_MS = 500;

/** Times models against this one. Throws `failed("latency-not-measured")` where the runtime does not run one of them. */
export function timer(original: Model, context: StepContext): Time {
  let first: Promise<Feeds> | undefined;
  return async (model) => {
    const notes: Note[] = [];
    const measuring: MetricContext = {
      ...context,
      session: {},
      runs: undefined,
      latencyBudgetMs: BUDGET_MS,
      limit: undefined,
      memoryBudget: context.memory ?? Number.POSITIVE_INFINITY,
      compressedSize: async () => undefined,
      serve: async () => undefined,
      verifyApart: undefined,
      open: (subject) => openSession(subject.model, context),
      firstFeeds() {
        first ??= firstSample(context);
        return first;
      },
      note: (note) => notes.push(note),
      onProgress: undefined,
    };
    const [reference, own] = await metrics.get("latency").measure([subject(original), subject(model)], measuring);
    const ms = reference?.latencyMs?.median;
    const ratio = own?.latencyRatio;
    if (ms == null || ratio == null) {
      throw failed("latency-not-measured", notes[0]?.text ?? "The model could not be timed.");
    }
    return { ms, ratio };
  };
}

async function firstSample({ data }: StepContext): Promise<Feeds> {
  for (const part of [data.split("measure"), data]) {
    for await (const { feeds } of part.samples({ limit: 1 })) return feeds;
  }
  throw failed("latency-not-measured", `${data.name} has no sample to time the model on.`);
}

const subject = (model: Model): Subject => ({
  path: "model",
  model,
  bytes: weightBytes(model.graph),
  file: async () => ({ sources: [], path: undefined }),
});
