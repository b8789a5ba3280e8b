// Synthetic data, when the user gives none: inputs drawn by name, element type and shape. It proves numeric fidelity, not
// accuracy, and every dataset of it is marked so.

import { type Binding, bindDims, feedInputs, type StatedDims } from "../ir/dims.js";
import type { Model } from "../ir/model.js";
import { type Random, random } from "../tensor/random.js";
import type { Feeds, Value } from "../tensor/value.js";
import type { Dataset, Sample, Split } from "./dataset.js";
import { syntheticValue } from "./synthetic-value.js";
import { vocabularies } from "./vocabulary.js";

export interface SyntheticOptions {
  /** Sizes of symbolic dimensions, shapes of inputs; the rest is guessed. */
  readonly dims?: StatedDims | undefined;
  readonly seed?: number | undefined;
  /** Samples of each part; default 32. */
  readonly count?: number | undefined;
}

/**
 * A seeded dataset for the model's inputs. Sample i depends on the seed, its part and i only; the parts share no sample.
 * A decoder with a cache gets samples with tokens in the cache and, when the length of the cache is free, without.
 */
export function synthetic(model: Model, options: SyntheticOptions = {}): Dataset {
  const { dims = {}, seed = 0, count = 32 } = options;
  const bindings = decoderBindings(model, dims);
  const part = (name: string, offset: number): Dataset => ({
    name,
    size: count,
    labelled: false,
    synthetic: true,
    metric: undefined,
    async *samples({ limit = count, signal } = {}): AsyncIterable<Sample> {
      for (let i = 0; i < Math.min(limit, count); i++) {
        signal?.throwIfAborted();
        const source = random((seed + Math.imul(offset * 2 ** 20 + i + 1, 0x9e3779b1)) >>> 0);
        const feeds = syntheticFeeds(model, bindings[i % bindings.length]!, source, i);
        yield { feeds, id: `synthetic-${i}` };
      }
    },
    split: (which: Split) => part(`synthetic ${which}`, splits.indexOf(which) + 1),
  });
  return part("synthetic", 0);
}

const splits: readonly Split[] = ["calibrate", "train", "measure"];

/** `index`: of the sample; recurrent states are zero in sample 0 only. Throws `unsupported("synthetic-dtype")`. */
export function syntheticFeeds(model: Model, binding: Binding, source: Random, index = 0): Feeds {
  const vocabulary = vocabularies(model.graph);
  const inputs = feedInputs(model);
  const past = pastLength(binding);
  const length = sequenceLength(binding);
  const sound = inputs.some(({ name }) => /^(sr|fs|sample_?rate|sampling_?rate)$/i.test(name));
  const feeds: Record<string, Value> = {};
  for (const { name, type } of inputs) {
    feeds[name] = syntheticValue(
      {
        name,
        dtype: (type?.kind === "tensor" ? type.dtype : undefined) ?? "float32",
        dims: binding.shapes.get(name) ?? [],
        vocabulary: vocabulary.get(name),
        past,
        length,
        sound,
        index,
      },
      source,
    );
  }
  return feeds;
}

/** With tokens in the cache first, then with an empty one, where its length is a symbol that nobody stated. */
function decoderBindings(model: Model, dims: StatedDims): readonly Binding[] {
  const binding = bindDims(model, dims);
  const free = [...binding.guessed.keys()].filter((symbol) => /past|cache/i.test(symbol) && binding.sizes.has(symbol));
  if (free.length === 0) return [binding];
  return [binding, bindDims(model, { ...dims, ...Object.fromEntries(free.map((symbol) => [symbol, 0])) })];
}

/** Tokens in the cache: a cache is [batch, heads, past, width]. */
function pastLength({ shapes, sizes }: Binding): number {
  for (const [symbol, size] of sizes) if (/^past/i.test(symbol) && !/[-+*/]/.test(symbol)) return size;
  for (const [name, dims] of shapes) {
    if (/past/i.test(name) && dims.length === 4 && !/encoder/i.test(name)) return dims[2]!;
  }
  return 0;
}

/** The longest axis behind the batch of the first input that has one. */
function sequenceLength({ shapes }: Binding): number {
  for (const dims of shapes.values()) if (dims.length >= 2) return Math.max(...dims.slice(1));
  return 1;
}
