// How good weights are on held-out data: the model in the form in which it is used, with these weights as constants.

import { invalid } from "../base/errors.js";
import type { Dataset, Sample } from "../data/dataset.js";
import { openResident, type ResidentServices } from "../engine/resident.js";
import type { PortInfo, SessionOptions } from "../engine/runtime.js";
import { type AccuracyMetric, type AccuracyRun, accuracyMetric } from "../metrics/accuracy/index.js";
import { tensor } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import type { Supply } from "./attached.js";
import { samplesIn, suppliedFeeds } from "./batches.js";
import { rows } from "./collate.js";
import type { StepGraph } from "./step.js";

export interface Evaluation {
  /** Mean over the samples, without weight decay. */
  readonly loss: number;
  readonly samples: number;
  /** The metric that the labels are for; absent where none fits. */
  readonly metric?: { readonly name: string; readonly value: number; readonly better: "higher" | "lower" };
}

export interface EvaluateOptions {
  /** Samples at most. */
  readonly limit?: number | undefined;
  readonly session?: SessionOptions | undefined;
  readonly supply?: Supply | undefined;
}

/** `weights` by prepared name. Throws `invalid("data-empty")`, `engine-...`
 * errors, and what labels that do not fit throw. */
export async function evaluate(
  step: StepGraph,
  inputs: readonly PortInfo[],
  weights: ReadonlyMap<string, Value>,
  data: Dataset,
  services: ResidentServices,
  { limit, session: options, supply }: EvaluateOptions = {},
): Promise<Evaluation> {
  const { graph } = step.evaluation;
  const initializers = new Map(graph.initializers);
  for (const [name, { dtype, dims, data: values }] of weights) {
    if (initializers.has(name)) initializers.set(name, tensor(dtype, dims, values as Float32Array));
  }
  const model = { ...step.evaluation, graph: { ...graph, initializers } };
  const session = await openResident(model, [], {}, services, options);
  try {
    const tally = new Tally(data, step.batch);
    for await (const samples of inGroups(data, step.batch, limit, services.signal)) {
      const count = samplesIn(step.batch, samples[0]!);
      const feeds = await suppliedFeeds(step, inputs, samples, count, { supply, epoch: undefined });
      tally.add(await session.run(feeds), samples, count);
    }
    return tally.result();
  } finally {
    await session.release();
  }
}

async function* inGroups(data: Dataset, batch: number, limit: number | undefined, signal: AbortSignal | undefined) {
  let group: Sample[] = [];
  const options = { ...(limit === undefined ? {} : { limit }), ...(signal === undefined ? {} : { signal }) };
  for await (const sample of data.samples(options)) {
    group.push(sample);
    if (group.length < samplesIn(batch, group[0]!)) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

class Tally {
  #loss = 0;
  #samples = 0;
  #metric: AccuracyMetric | undefined;
  #run: AccuracyRun | undefined;

  constructor(
    readonly data: Dataset,
    readonly batch: number,
  ) {}

  add(found: Readonly<Record<string, Value>>, samples: readonly Sample[], count: number): void {
    const { loss, per_sample_loss: _, ...outputs } = found;
    this.#loss += Number(loss!.data[0]) * samples.length;
    for (const [index, sample] of samples.entries()) {
      const own = shareOf(outputs, index, count);
      if (this.#samples === 0) {
        this.#metric = accuracyMetric(this.data.metric, own, sample);
        this.#run = this.#metric?.start();
      }
      this.#samples++;
      if (sample.label !== undefined) this.#run?.add(own, sample);
    }
  }

  result(): Evaluation {
    if (this.#samples === 0) throw invalid("data-empty", `There is no held-out sample in ${this.data.name}.`);
    const loss = this.#loss / this.#samples;
    if (this.#metric === undefined) return { loss, samples: this.#samples };
    const { name, better } = this.#metric;
    return { loss, samples: this.#samples, metric: { name, value: this.#run!.result().value, better } };
  }
}

/** The rows of every output that are of the `index`-th sample; outputs without a row for each are left out. */
function shareOf(outputs: Readonly<Record<string, Value>>, index: number, count: number): Record<string, Value> {
  const own: Record<string, Value> = {};
  for (const [name, value] of Object.entries(outputs)) {
    const all = value.dims[0] ?? 0;
    if (all === 0 || all % count !== 0) continue;
    own[name] = rows(value, (index * all) / count, ((index + 1) * all) / count);
  }
  return own;
}
