// What each layer's rounding does where it happens: the error of the rounded numbers themselves, how they are spread, and
// how far a layer's result has drifted by then in the compressed model. Streamed: sums, no values are kept.

import type { Dataset } from "../data/dataset.js";
import { capture } from "../engine/capture.js";
import { asNumbers } from "../engine/feeds.js";
import { observe, type Shape } from "../engine/observe.js";
import { UNFUSED } from "../engine/runtime.js";
import type { EngineServices } from "../engine/session.js";
import { byteCount } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import { type Switch, type Switched, withFlags } from "./switched.js";

/** Of one value, before it is rounded and after, over all samples. */
export interface Spread {
  readonly name: string;
  readonly dims: readonly number[];
  /** Error power over signal power; 0: exact. */
  readonly noise: number;
  readonly min: number;
  readonly max: number;
  /** Root of the mean square. */
  readonly rms: number;
  /** Smallest and largest number after rounding: what lies beyond was cut. */
  readonly roundedMin: number;
  readonly roundedMax: number;
  /** Largest magnitude of each channel, and error power over signal power in each; empty where there are no channels. */
  readonly channels: readonly { readonly largest: number; readonly noise: number }[];
}

export interface Local {
  readonly spreads: ReadonlyMap<Switch, readonly Spread[]>;
  /** Error over signal of a layer's result in the model with everything rounded, by layer. */
  readonly drift: ReadonlyMap<string, number>;
}

/** A pair of values that are compared as the samples pass. */
interface Watched {
  readonly one: Switch;
  readonly name: string;
  readonly float: string;
  readonly rounded: string;
  readonly axis: number | undefined;
}

/**
 * `axisOf`: the axis of a value's channels, by the name that it has in the float model. Values are captured in batches
 * that fit the memory; every batch runs the samples again.
 */
export async function localErrors(
  switched: Switched,
  data: Dataset,
  services: EngineServices,
  options: { readonly samples: number; readonly axisOf: (one: Switch, name: string) => number | undefined },
): Promise<Local> {
  const first = await firstOf(data);
  if (first === undefined) return { spreads: new Map(), drift: new Map() };
  const plain = withFlags(switched, first, new Set());
  const { values } = await observe(switched.model, { feeds: plain }, services);
  const limit = Math.min((services.memory ?? 2 ** 30) / 4, 256 * 2 ** 20);
  const found = new Map<Switch, Spread[]>();
  const watched = switched.switches.flatMap((one) =>
    one.values.map((value): Watched => ({ one, ...value, axis: options.axisOf(one, value.name) })),
  );
  for (const weights of [true, false]) {
    const those = watched.filter(({ one }) => (one.kind === "weights") === weights);
    const known = those.filter(({ float, rounded }) => values.has(float) && values.has(rounded));
    // Weights are the same in every run.
    const feeds = unrounded(switched, data, weights ? 1 : options.samples);
    for (const batch of batches(known, (one) => [one.float, one.rounded], values, limit)) {
      const tallies = batch.map((each) => new SpreadTally(each));
      const names = batch.flatMap(({ float, rounded }) => [float, rounded]);
      const settings = { values, budget: Number.MAX_SAFE_INTEGER, config: UNFUSED };
      for await (const record of capture(switched.model, names, feeds, services, settings)) {
        services.signal?.throwIfAborted();
        for (const tally of tallies) tally.add(record);
      }
      for (const tally of tallies) {
        const spread = tally.spread();
        if (spread) found.set(tally.watched.one, [...(found.get(tally.watched.one) ?? []), spread]);
      }
    }
  }
  return { spreads: found, drift: await drift(switched, data, services, values, limit, options.samples) };
}

async function drift(
  switched: Switched,
  data: Dataset,
  services: EngineServices,
  values: ReadonlyMap<string, Shape>,
  limit: number,
  samples: number,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const float = (name: string) => /^float/.test(values.get(name)?.dtype ?? "");
  const layers = [...switched.outputs].filter(([, name]) => float(name));
  for (const batch of batches(layers, ([, name]) => [name, name], values, limit)) {
    const names = [...new Set(batch.map(([, name]) => name))];
    const sums = new Map(names.map((name) => [name, { signal: 0, error: 0 }]));
    const settings = { values, budget: Number.MAX_SAFE_INTEGER, config: UNFUSED };
    let before: Record<string, Value> | undefined;
    for await (const record of capture(switched.model, names, bothWays(switched, data, samples), services, settings)) {
      services.signal?.throwIfAborted();
      if (before === undefined) {
        before = record;
        continue;
      }
      for (const [name, sum] of sums) {
        const [a, b] = [asNumbers(before[name]!), asNumbers(record[name]!)];
        for (let i = 0; i < a.length; i++) {
          const error = a[i]! - b[i]!;
          if (!Number.isFinite(error)) continue;
          sum.signal += a[i]! ** 2;
          sum.error += error ** 2;
        }
      }
      before = undefined;
    }
    for (const [layer, name] of batch) {
      const { signal, error } = sums.get(name)!;
      found.set(layer, error === 0 ? 0 : error / signal);
    }
  }
  return found;
}

/** Each sample twice: as in the float model, then with everything rounded. */
function bothWays(switched: Switched, data: Dataset, limit: number): AsyncIterable<Feeds> {
  const every = new Set(switched.switches.map(({ flag }) => flag));
  return {
    async *[Symbol.asyncIterator]() {
      for await (const { feeds } of data.samples({ limit })) {
        yield withFlags(switched, feeds, new Set());
        yield withFlags(switched, feeds, every);
      }
    },
  };
}

const unrounded = (switched: Switched, data: Dataset, limit: number): AsyncIterable<Feeds> => ({
  async *[Symbol.asyncIterator]() {
    for await (const { feeds } of data.samples({ limit })) yield withFlags(switched, feeds, new Set());
  },
});

async function firstOf(data: Dataset): Promise<Feeds | undefined> {
  for await (const { feeds } of data.samples({ limit: 1 })) return feeds;
  return undefined;
}

function batches<T>(
  list: readonly T[],
  namesOf: (one: T) => readonly string[],
  values: ReadonlyMap<string, Shape>,
  limit: number,
): T[][] {
  const found: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of list) {
    const size = namesOf(one).reduce((sum, name) => {
      const shape = values.get(name);
      return sum + (shape === undefined || shape.dtype === "string" ? 0 : byteCount(shape.dtype, shape.dims));
    }, 0);
    if (bytes + size > limit) {
      found.push([]);
      bytes = 0;
    }
    found.at(-1)!.push(one);
    bytes += size;
  }
  return found;
}

class SpreadTally {
  #signal = 0;
  #error = 0;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  #dims: readonly number[] = [];
  #channels: { largest: number; signal: number; error: number }[] = [];

  constructor(readonly watched: Watched) {}

  add(record: Readonly<Record<string, Value>>): void {
    const before = record[this.watched.float]!;
    if (!/^float/.test(before.dtype)) return;
    const [a, b] = [asNumbers(before), asNumbers(record[this.watched.rounded]!)];
    this.#dims = before.dims;
    const { axis: stated } = this.watched;
    const axis = stated === undefined ? -1 : stated < 0 ? stated + before.dims.length : stated;
    const size = before.dims[axis] ?? 0;
    const inner = before.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    const channels = this.#channels;
    while (channels.length < size) channels.push({ largest: 0, signal: 0, error: 0 });
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i]!, b[i]!];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      const [power, error] = [x * x, (x - y) ** 2];
      this.#signal += power;
      this.#error += error;
      this.#count++;
      if (x < this.#min) this.#min = x;
      if (x > this.#max) this.#max = x;
      if (y < this.#low) this.#low = y;
      if (y > this.#high) this.#high = y;
      if (size === 0) continue;
      const channel = channels[Math.floor(i / inner) % size]!;
      channel.signal += power;
      channel.error += error;
      if (Math.abs(x) > channel.largest) channel.largest = Math.abs(x);
    }
  }

  spread(): Spread | undefined {
    if (this.#count === 0) return undefined;
    const ratio = (error: number, signal: number) => (error === 0 ? 0 : error / signal);
    return {
      name: this.watched.name,
      dims: this.#dims,
      noise: ratio(this.#error, this.#signal),
      min: this.#min,
      max: this.#max,
      rms: Math.sqrt(this.#signal / this.#count),
      roundedMin: this.#low,
      roundedMax: this.#high,
      channels: this.#channels.map(({ largest, signal, error }) => ({ largest, noise: ratio(error, signal) })),
    };
  }
}
