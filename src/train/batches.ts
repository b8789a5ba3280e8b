// Batches of training: by number, so that a run can begin anywhere, and prepared ahead of the engine.

import { internal, invalid, PareError } from "../base/errors.js";
import type { Dataset, Sample } from "../data/dataset.js";
import { adaptFeeds } from "../engine/feeds.js";
import type { PortInfo } from "../engine/runtime.js";
import { elementCount } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import type { Supply } from "./attached.js";
import { joinFeeds, rowsOf } from "./collate.js";
import { drawn, dropoutMask } from "./draws.js";
import type { Source } from "./source.js";
import type { StepGraph } from "./step.js";
import { SAMPLE_WEIGHT } from "./step-evaluation.js";

export interface Batch {
  /** Data, labels, weights of samples, dropout masks. */
  readonly feeds: Record<string, Value>;
  /** Samples that count. */
  readonly samples: number;
}

export interface Batches {
  readonly perEpoch: number;
  /** Batch `number` since the start of the training, made anew. */
  make(number: number): Promise<Batch>;
  /** The same, and the next two are begun. `last`: none after this one. */
  ahead(number: number, last: number): Promise<Batch>;
  /** Waits for what was begun and nobody wants any more. */
  finish(): Promise<void>;
}

export interface BatchesOptions {
  readonly lastBatch: "drop" | "pad";
  readonly seed: number;
  /** What the data is called, for messages. */
  readonly name: string;
  readonly supply?: Supply | undefined;
}

/** While the engine works on one batch, this many more are prepared. */
const AHEAD = 2;

/**
 * The inputs of the first samples as one batch of `batch` rows, for `prepare`. Throws `invalid("data-too-small")`, unless
 * `pad`: then samples are repeated.
 */
export async function firstBatch(data: Dataset, batch: number, pad = false): Promise<Feeds> {
  const found: Sample[] = [];
  for await (const sample of data.samples({ limit: batch })) {
    found.push(sample);
    if (found.length * rowsOf(found[0]!) >= batch) break;
  }
  const [first] = found;
  if (first === undefined) throw invalid("data-empty", `There is no sample to train on in ${data.name}.`);
  const count = samplesIn(batch, first);
  if (found.length < count && !pad) throw tooSmall(found.length, count, data.name);
  return joinFeeds(Array.from({ length: count }, (_, i) => found[i % found.length]!));
}

/** `inputs`: what the step takes as data. Throws `invalid("data-too-small")` when not one batch comes out. */
export async function openBatches(
  step: StepGraph,
  inputs: readonly PortInfo[],
  source: Source,
  { lastBatch, seed, name, supply }: BatchesOptions,
): Promise<Batches> {
  const [first] = await source.read(0, 0, 1);
  const count = samplesIn(step.batch, first!);
  const perEpoch = lastBatch === "drop" ? Math.floor(source.size / count) : Math.ceil(source.size / count);
  if (perEpoch === 0) throw tooSmall(source.size, count, name);

  const make = async (number: number): Promise<Batch> => {
    const epoch = Math.floor(number / perEpoch);
    const from = (number % perEpoch) * count;
    const samples = await source.read(epoch, from, Math.min(count, source.size - from));
    const feeds = await suppliedFeeds(step, inputs, samples, count, { supply, epoch });
    step.masks.forEach(({ input, dims, rate }, index) => {
      const numbers = drawn(seed, "mask", number * step.masks.length + index);
      feeds[input] = { dtype: "float32", dims, data: dropoutMask(elementCount(dims), rate, numbers) };
    });
    return { feeds, samples: samples.length };
  };

  const begun = new Map<number, Promise<Batch>>();
  // One after another: a stream of samples has one place.
  let last: Promise<unknown> = Promise.resolve();
  const begin = (number: number): Promise<Batch> => {
    const known = begun.get(number);
    if (known) return known;
    const made = last.then(() => make(number));
    last = made.catch(() => {});
    begun.set(number, made);
    return made;
  };
  return {
    perEpoch,
    async make(number) {
      await last;
      return make(number);
    },
    ahead(number, end) {
      const wanted = begin(number);
      for (let next = number + 1; next <= Math.min(number + AHEAD, end); next++) void begin(next);
      // Also those that were passed over: an update that overflowed leaves its rest.
      for (const each of begun.keys()) if (each <= number) begun.delete(each);
      return wanted;
    },
    async finish() {
      await last;
    },
  };
}

/**
 * Data, labels and weights of samples as the step, or its evaluation, takes them. Fewer samples than `count` are repeated
 * with weight 0. Throws what joining and the labels throw, with the sample's name.
 */
export function batchFeeds(
  { batch, targets }: Pick<StepGraph, "batch" | "targets">,
  inputs: readonly PortInfo[],
  samples: readonly Sample[],
  count: number,
): Record<string, Value> {
  const padded = filledUp(samples, count);
  const joined = adaptFeeds(joinFeeds(padded), inputs);
  const feeds: Record<string, Value> = {};
  for (const { name, shape } of inputs) {
    const value = joined[name];
    if (value === undefined) {
      throw invalid("feed-missing", `The data gives no value for the input "${name}".`, { node: name });
    }
    if (String(value.dims) !== String(shape)) {
      throw invalid("data-shape", `A batch does not have the shape that the first one had in "${name}".`, {
        node: padded[0]!.id,
        expected: `[${shape}]`,
        found: `[${value.dims}]`,
        hint: 'Give all samples one shape: "length" and "pad": true in dataset.json.',
      });
    }
    // A scalar is the sample's own array, which may not be given away.
    feeds[name] = value.dims.length === 0 ? { ...value, data: value.data.slice() as Value["data"] } : value;
  }
  const labels = padded.map(({ label }) => label);
  for (const { input, collate } of targets) feeds[input] = named(padded, () => collate(labels));
  const each = batch / count;
  const weights = Float32Array.from({ length: batch }, (_, row) => (Math.floor(row / each) < samples.length ? 1 : 0));
  feeds[SAMPLE_WEIGHT] = { dtype: "float32", dims: [batch], data: weights };
  return feeds;
}

/** `batchFeeds`, and the inputs that other methods fill. `epoch`: undefined for held-out samples. */
export async function suppliedFeeds(
  step: Pick<StepGraph, "batch" | "targets">,
  inputs: readonly PortInfo[],
  samples: readonly Sample[],
  count: number,
  { supply, epoch }: { readonly supply: Supply | undefined; readonly epoch: number | undefined },
): Promise<Record<string, Value>> {
  const feeds = batchFeeds(step, inputs, samples, count);
  if (supply === undefined) return feeds;
  const own = Object.fromEntries(inputs.map(({ name }) => [name, feeds[name]!]));
  return { ...feeds, ...(await supply({ samples: filledUp(samples, count), feeds: own, epoch })) };
}

function filledUp(samples: readonly Sample[], count: number): Sample[] {
  if (samples.length === 0) throw internal("a batch of no samples");
  return Array.from({ length: count }, (_, i) => samples[i % samples.length]!);
}

/** Labels are refused with their place in the batch: here it gets the name that the user knows. */
function named<T>(samples: readonly Sample[], make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof PareError) || !error.code.startsWith("label-")) throw error;
    const place = /^sample (\d+) of the batch$/.exec(error.node ?? "")?.[1];
    const { message, code, kind, expected, found, hint } = error;
    const node = place === undefined ? error.node : (samples[Number(place)]?.id ?? error.node);
    throw new PareError(message, { code, kind, node, expected, found, hint, cause: error });
  }
}

/** Samples that make a batch. */
export function samplesIn(batch: number, sample: Sample): number {
  const each = rowsOf(sample);
  if (batch % each === 0) return batch / each;
  throw invalid("batch-size", `A batch of ${batch} is no whole number of samples.`, {
    node: sample.id,
    expected: `a multiple of ${each}, the rows of one sample`,
    found: String(batch),
  });
}

const tooSmall = (size: number, count: number, name: string) =>
  invalid("data-too-small", `${name} has fewer samples than one batch.`, {
    expected: `at least ${count} samples`,
    found: String(size),
    hint: "Take a smaller --batch, or have the last batch padded (--last-batch pad).",
  });
