// Running statistics of batch normalisations after weights were changed: one pass over the data in which every batch is
// normalised by its own statistics, as in training, and what each layer has seen of all of them together (Wu and Johnson 2021,
// https://arxiv.org/abs/2105.07576, section 3: PreciseBN). The first layer's are exactly those of the data.

import { info, type Note, warning } from "../../base/note.js";
import type { Dataset } from "../../data/dataset.js";
import type { AugmentInput } from "../../data/index.js";
import { openResident } from "../../engine/resident.js";
import type { PortInfo } from "../../engine/runtime.js";
import type { Model } from "../../ir/model.js";
import { everyNode } from "../../ir/traverse.js";
import type { StepContext } from "../../step/step.js";
import type { Value } from "../../tensor/value.js";
import { batchFeeds, firstBatch, samplesIn } from "../../train/batches.js";
import { rowsOf } from "../../train/collate.js";
import { prepare } from "../../train/prepare.js";
import type { Prepared, RunningStatistics } from "../../train/prepared.js";
import { openSource } from "../../train/source.js";
import { SAMPLE_WEIGHT } from "../../train/step-evaluation.js";
import { writeForward } from "../../train/step-forward.js";
import { StepWriter } from "../../train/step-writer.js";

export interface ReestimateOptions {
  /** At most; default 12800, which are 200 batches of 64. Samples that fill no batch are left out. */
  readonly samples?: number | undefined;
  readonly batch?: number | undefined;
  /** Changes to the training samples, in place of those of the dataset. */
  readonly augment?: AugmentInput | undefined;
  /** Of the order of the samples: a batch should hold a bit of everything. */
  readonly seed?: number | undefined;
}

/**
 * The model with new running means and variances (those of the population: sum of squares over n), from the train part of
 * the data, or the calibrate part where there is none. The very same model where it has no batch normalisation with constant
 * statistics, and, with a note, where the data is synthetic. Throws what `prepare` throws, and the engine's refusals.
 */
export async function reestimateBatchNorm(
  model: Model,
  context: StepContext,
  { samples = 12_800, batch = 64, seed = context.seed ?? 0, augment }: ReestimateOptions = {},
): Promise<{ readonly model: Model; readonly notes: readonly Note[] }> {
  if (!hasBatchNorm(model)) return { model, notes: [] };
  if (context.data.synthetic) {
    const text = "Running statistics of batch normalisation are left as they were: made-up data says nothing of them.";
    return { model, notes: [info("batch-norm-kept", `${text} Give data with --data.`)] };
  }
  const data = partOf(context.data, augment);
  const { signal, memory = 2 ** 30 } = context;
  const source = await openSource(data, { seed, budget: memory / 4, signal });
  // A sample may be several rows; a batch has some samples whole.
  const rows = rowsOf((await source.read(0, 0, 1))[0]!);
  const size = rows * Math.max(1, Math.min(Math.floor(batch / rows), source.size));
  const prepared = await prepare(model, { feeds: await firstBatch(data, size, true) }, context);
  const statistics = unshared(prepared.statistics);
  if (statistics.length === 0) return { model, notes: [] };

  const graph = written(prepared, statistics);
  const session = await openResident(graph, [], {}, context);
  const found = statistics.map(() => new Population());
  try {
    const inputs = prepared.inputs.map((name): PortInfo => {
      const { dtype, dims } = prepared.shapes.get(name)!;
      return { name, dtype, shape: dims };
    });
    const count = samplesIn(prepared.batch, (await source.read(0, 0, 1))[0]!);
    const batches = Math.max(1, Math.floor(Math.min(samples, source.size) / count));
    for (let at = 0; at < batches; at++) {
      signal?.throwIfAborted();
      const taken = await source.read(0, at * count, Math.min(count, source.size - at * count));
      const { [SAMPLE_WEIGHT]: _, ...feeds } = batchFeeds({ batch: prepared.batch, targets: [] }, inputs, taken, count);
      const seen = await session.run({ ...feeds, ...running(prepared, statistics) });
      found.forEach((population, i) => {
        population.add(seen[mean(i)]!, seen[variance(i)]!);
      });
      context.onProgress?.({ task: "batch-norm", done: at + 1, total: batches });
    }
    const values = new Map<string, Value>();
    statistics.forEach((one, i) => {
      values.set(one.mean, found[i]!.mean());
      values.set(one.variance, found[i]!.variance());
    });
    const text = `${statistics.length} batch normalisations have new running statistics, of ${batches * count} samples in batches of ${count}.`;
    return { model: await prepared.restore(values), notes: [...skipped(prepared), info("batch-norm-new", text)] };
  } finally {
    await session.release();
  }
}

function hasBatchNorm(model: Model): boolean {
  for (const { opType } of everyNode(model, { functions: true })) if (opType === "BatchNormalization") return true;
  return false;
}

/** Samples as training would see them: the statistics of a trained model are of augmented ones too. Never the measure part. */
function partOf(data: Dataset, augment: AugmentInput | undefined): Dataset {
  const train = data.split("train");
  const part = train.size === 0 ? data.split("calibrate") : train;
  return augment === undefined ? part : (part.augmented?.(augment) ?? part);
}

const shared = ({ mean, variance }: RunningStatistics, all: readonly RunningStatistics[]) =>
  all.filter((one) => one.mean === mean || one.variance === variance).length > 1;

const unshared = (all: readonly RunningStatistics[]) => all.filter((one) => !shared(one, all));

const skipped = ({ statistics }: Prepared): Note[] =>
  statistics
    .filter((one) => shared(one, statistics))
    .map(({ node, mean: name }) =>
      warning(
        "batch-norm-shared",
        `"${name}" is shared by several batch normalisations and stays as it was.`,
        node.name,
      ),
    );

const mean = (i: number) => `pare.mean.${i}`;
const variance = (i: number) => `pare.variance.${i}`;
const given = (kind: string, i: number) => `pare.running_${kind}.${i}`;

/** The forward pass with every batch normalisation in its training form; outputs are the statistics of the batch. */
function written(prepared: Prepared, statistics: readonly RunningStatistics[]): Model {
  const writer = new StepWriter(prepared, new Set());
  for (const name of prepared.inputs) writer.feed(name);
  // ONNX Runtime writes over the running statistics of the training form: they are inputs, not the model's constants.
  const names = new Map<string, string>();
  statistics.forEach((one, i) => {
    for (const kind of ["mean", "variance"] as const) {
      writer.data(given(kind, i), prepared.shapes.get(one[kind])!);
      names.set(one[kind], given(kind, i));
    }
  });
  const forward = writeForward(writer.emit, prepared, names, { statistics, dropout: {} });
  statistics.forEach((one, i) => {
    writer.result(mean(i), forward.statistics.get(one.mean)!.batch);
    writer.result(variance(i), forward.statistics.get(one.variance)!.batch);
  });
  return writer.model().model;
}

function running({ shapes }: Prepared, statistics: readonly RunningStatistics[]): Record<string, Value> {
  const feeds: Record<string, Value> = {};
  statistics.forEach((one, i) => {
    for (const kind of ["mean", "variance"] as const) {
      const { dims } = shapes.get(one[kind])!;
      const data = new Float32Array(dims[0] ?? 1).fill(kind === "mean" ? 0 : 1);
      feeds[given(kind, i)] = { dtype: "float32", dims, data };
    }
  });
  return feeds;
}

/** Mean and variance of batches of one size as one: Chan et al.'s update, in float64. */
class Population {
  #batches = 0;
  #mean = new Float64Array();
  #squares = new Float64Array();

  add({ data: means }: Value, { data: variances }: Value): void {
    if (this.#batches++ === 0) {
      this.#mean = Float64Array.from(means as Float32Array);
      this.#squares = Float64Array.from(variances as Float32Array);
      return;
    }
    const n = this.#batches;
    this.#mean.forEach((before, c) => {
      const apart = Number(means[c]) - before;
      this.#mean[c] = before + apart / n;
      this.#squares[c]! += Number(variances[c]) + (apart * apart * (n - 1)) / n;
    });
  }

  mean(): Value {
    return { dtype: "float32", dims: [this.#mean.length], data: Float32Array.from(this.#mean) };
  }

  variance(): Value {
    const data = Float32Array.from(this.#squares, (sum) => sum / this.#batches);
    return { dtype: "float32", dims: [data.length], data };
  }
}
