// How much each layer's rounding changes the outputs: one session of the switched model, run once for each choice of flags.

import type { Dataset } from "../data/dataset.js";
import { adaptFeeds, asNumbers } from "../engine/feeds.js";
import { UNFUSED } from "../engine/runtime.js";
import { type EngineServices, withSession } from "../engine/session.js";
import type { Value } from "../tensor/value.js";
import { type Switch, type Switched, withFlags } from "./switched.js";

/** Error power over signal power: of each output, and their mean. 0: equal; Infinity: new NaNs or infinities. */
export interface Noise {
  readonly outputs: Readonly<Record<string, number>>;
  readonly mean: number;
}

export interface Sensitivity {
  /** Samples that were run. */
  readonly samples: number;
  /** Everything as compressed. */
  readonly all: Noise;
  /** Only what this flag switches. */
  readonly alone: ReadonlyMap<Switch, Noise>;
  /** Everything but the layer of this label. */
  readonly without: ReadonlyMap<string, Noise>;
}

export interface SensitivityOptions {
  /** Samples at most; default 16. */
  readonly samples?: number | undefined;
  /** Also with everything but each layer; default true. */
  readonly without?: boolean | undefined;
}

export const SAMPLES = 16;

/**
 * For each flag the error on the outputs when only it is set, for each layer that when all but it are. Sums over the
 * samples are float64, nothing is kept of a sample once it is counted. Throws what opening the session throws.
 */
export async function sensitivity(
  switched: Switched,
  data: Dataset,
  services: EngineServices,
  { samples: limit = SAMPLES, without = true }: SensitivityOptions = {},
): Promise<Sensitivity> {
  const { switches } = switched;
  const every = new Set(switches.map(({ flag }) => flag));
  const layers = without ? [...new Set(switches.map(({ layer }) => layer))] : [];
  const settings = [
    every,
    ...switches.map(({ flag }) => new Set([flag])),
    ...layers.map((layer) => new Set(switches.filter((one) => one.layer !== layer).map(({ flag }) => flag))),
  ];
  const tallies = settings.map(() => new Tally());
  let samples = 0;
  await withSession(switched.model, services, { config: UNFUSED }, async (session) => {
    const names = session.outputs.flatMap(({ name, dtype }) => (/^float/.test(dtype ?? "") ? [name] : []));
    const run = (feeds: Parameters<typeof withFlags>[1], on: ReadonlySet<string>) =>
      session.run(adaptFeeds(withFlags(switched, feeds, on), session.inputs), names);
    const total = Math.min(limit, data.size ?? limit);
    for await (const { feeds } of data.samples({ limit, ...(services.signal && { signal: services.signal }) })) {
      const reference = await run(feeds, new Set());
      for (const [at, on] of settings.entries()) {
        services.signal?.throwIfAborted();
        const task = "measure each layer";
        services.onProgress?.({ task, done: samples * settings.length + at, total: total * settings.length });
        tallies[at]!.add(reference, await run(feeds, on));
      }
      samples++;
    }
  });
  const noises = tallies.map((tally) => tally.noise());
  return {
    samples,
    all: noises[0]!,
    alone: new Map(switches.map((one, at) => [one, noises[1 + at]!])),
    without: new Map(layers.map((layer, at) => [layer, noises[1 + switches.length + at]!])),
  };
}

/** Decibels of signal over noise; null where there is no noise at all. */
export const decibels = (noise: number): number | null => (noise === 0 ? null : -10 * Math.log10(noise));

class Tally {
  readonly #sums = new Map<string, { signal: number; error: number }>();

  add(reference: Readonly<Record<string, Value>>, result: Readonly<Record<string, Value>>): void {
    for (const [name, value] of Object.entries(reference)) {
      const sums = this.#sums.get(name) ?? { signal: 0, error: 0 };
      this.#sums.set(name, sums);
      const [a, b] = [asNumbers(value), asNumbers(result[name]!)];
      for (let i = 0; i < a.length; i++) {
        const [x, y] = [a[i]!, b[i]!];
        // Masks of -Infinity stay what they are, and are no signal.
        if (x === y && !Number.isFinite(x)) continue;
        if (Number.isNaN(x)) continue;
        sums.signal += x * x;
        sums.error += Number.isFinite(y) ? (x - y) ** 2 : Number.POSITIVE_INFINITY;
      }
    }
  }

  noise(): Noise {
    const outputs: Record<string, number> = {};
    for (const [name, { signal, error }] of this.#sums) {
      if (signal > 0 || error > 0)
        outputs[name] = error === 0 ? 0 : signal === 0 ? Number.POSITIVE_INFINITY : error / signal;
    }
    const all = Object.values(outputs);
    return { outputs, mean: all.length === 0 ? 0 : all.reduce((sum, one) => sum + one, 0) / all.length };
  }
}
