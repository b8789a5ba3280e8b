// How right a model is on a part of the data. It runs in a thread of its own where there are threads, so that the runs of a
// study do not wait for each other.

import { invalid } from "../../base/errors.js";
import type { Dataset, Sample } from "../../data/dataset.js";
import { adaptFeeds } from "../../engine/feeds.js";
import { openResident, type ResidentServices } from "../../engine/resident.js";
import type { PortInfo } from "../../engine/runtime.js";
import type { Model } from "../../ir/model.js";
import { type AccuracyMetric, type AccuracyRun, accuracyMetric } from "../../metrics/accuracy/index.js";
import type { StudyScore } from "../../metrics/study-report.js";
import type { Feeds, Value } from "../../tensor/value.js";
import { scoreOf } from "./statistics.js";

export interface Judged {
  readonly metric: Pick<AccuracyMetric, "name" | "better">;
  readonly score: StudyScore;
}

/** Samples of a part as often as they are wanted; all runs see the same. */
export interface Part {
  readonly name: string;
  readonly metric: string | undefined;
  samples(signal: AbortSignal | undefined): AsyncIterable<Sample>;
}

/**
 * A part of the data, its first `limit` samples. Held in memory while these take no more than `memory` bytes, so that they
 * are not read and decoded for every run.
 */
export async function openPart(
  data: Dataset,
  limit: number | undefined,
  memory: number,
  signal: AbortSignal | undefined,
): Promise<Part> {
  const given = { ...(limit !== undefined && { limit }), ...(signal && { signal }) };
  const held: Sample[] = [];
  let bytes = 0;
  for await (const sample of data.samples(given)) {
    signal?.throwIfAborted();
    bytes += bytesOf(sample.feeds);
    if (bytes > memory) return { name: data.name, metric: data.metric, samples: () => data.samples(given) };
    held.push(sample);
  }
  return {
    name: data.name,
    metric: data.metric,
    async *samples() {
      yield* held;
    },
  };
}

/** Throws `invalid("study-data")` where there is no sample, or no metric for its labels, and what the engine throws. */
export async function judge(model: Model, part: Part, services: ResidentServices): Promise<Judged> {
  const { signal } = services;
  const inputs = inputsOf(model);
  const session = await openResident(model, [], {}, services);
  try {
    let metric: AccuracyMetric | undefined;
    let run: AccuracyRun | undefined;
    for await (const sample of part.samples(signal)) {
      signal?.throwIfAborted();
      // The session takes the arrays over, and the samples are wanted again.
      const outputs = await session.run(copied(adaptFeeds(fed(model, sample.feeds), inputs)));
      if (run === undefined) {
        metric = accuracyMetric(part.metric, outputs, sample);
        run = metric?.start();
        if (run === undefined) throw withoutMetric(part.name);
      }
      if (sample.label !== undefined) run.add(outputs, sample);
    }
    if (metric === undefined || run === undefined) {
      throw invalid("study-data", `There is no sample in ${part.name} to judge by.`);
    }
    return { metric, score: scoreOf(run.result()) };
  } finally {
    await session.release();
  }
}

/** Feeds under the model's own name of its input, where it has one only: other networks for the same data call it otherwise. */
export function fed({ graph }: Model, feeds: Feeds): Feeds {
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const [given, ...others] = Object.entries(feeds);
  const [only] = inputs;
  if (inputs.length !== 1 || others.length > 0 || !only || !given || only.name in feeds) return feeds;
  return { [only.name]: given[1] };
}

const withoutMetric = (name: string) =>
  invalid("study-data", `${name} has no labels that fit the model's outputs: a study compares accuracy.`, {
    hint: 'State "labels" and "metric" in dataset.json (docs/data.md).',
  });

function inputsOf({ graph }: Model): PortInfo[] {
  return graph.inputs
    .filter(({ name }) => !graph.initializers.has(name))
    .map(({ name, type }) => ({ name, dtype: type?.kind === "tensor" ? type.dtype : undefined, shape: undefined }));
}

const copied = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [name, { ...value, data: value.data.slice() } as Value]),
  );

const bytesOf = (feeds: Feeds): number =>
  Object.values(feeds).reduce(
    (sum, { data }) => sum + ("byteLength" in data ? (data as ArrayBufferView).byteLength : 64 * data.length),
    0,
  );
