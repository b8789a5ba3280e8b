// The correction that is measured: both models run on the same samples, and layers are corrected in the order they run.

import type { Given } from "../repair.js";
import type { BiasedLayer } from "./layers.js";
import { calibrationFeeds, Means, type Watched } from "./means.js";

/** Means of differences between two models on the same samples settle fast: as many are looked at, at most. */
export const SAMPLES = 32;

/** A layer with what is watched of it, of a float model that was run once. */
export interface Corrected {
  readonly layer: BiasedLayer;
  readonly rank: number;
}

/** Sessions, each up to the layers that are measured in it: a few spare half of all runs, many cost more to make. */
const SESSIONS = 8;

/**
 * Layer after layer, those of one depth together: what still differs in the mean once all layers before it are corrected.
 * The float model runs once over the samples, the other once for each depth, as far as the layers of that depth.
 */
export async function measuredCorrections(
  { model, original, context }: Given,
  layers: readonly Corrected[],
): Promise<Float64Array[]> {
  const samples = calibrationFeeds(context, SAMPLES);
  const places = [...layers.keys()];
  const watched = layers.map(({ layer, rank }): Watched => ({ name: layer.value, rank, axis: layer.axis }));
  const float = await Means.open(original, watched, places, context, samples);
  const wanted = await float.of(places).finally(() => float.release());
  const shifted = layers.map(
    ({ layer, rank }): Watched => ({ name: layer.output, rank, axis: layer.axis, shifted: layer.node }),
  );
  const corrections = wanted.map((mean) => new Float64Array(mean.length));
  const depths = [...new Set(layers.map(({ layer }) => layer.depth))].sort((a, b) => a - b);
  const each = Math.ceil(depths.length / SESSIONS);
  const at = (depth: number) => places.filter((place) => layers[place]!.layer.depth === depth);
  for (let first = 0; first < depths.length; first += each) {
    const part = depths.slice(first, first + each);
    const means = await Means.open(model, shifted, part.flatMap(at), context, samples, corrections);
    try {
      for (const [done, depth] of part.entries()) {
        context.onProgress?.({ task: "correct biases", done: first + done, total: depths.length });
        const now = at(depth);
        for (const [i, found] of (await means.of(now)).entries()) {
          corrections[now[i]!] = wanted[now[i]!]!.map((mean, c) => finite(mean - found[c]!));
        }
      }
    } finally {
      await means.release();
    }
  }
  return corrections;
}

const finite = (value: number) => (Number.isFinite(value) ? value : 0);
