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

/**
 * Layer after layer, those of one depth together: what still differs in the mean once all layers before it are corrected.
 * One session for each model; the float one runs once over the samples, the other once for each depth.
 */
export async function measuredCorrections(
  { model, original, context }: Given,
  layers: readonly Corrected[],
): Promise<Float64Array[]> {
  const watched = layers.map(({ layer, rank }): Watched => ({ name: layer.value, rank, axis: layer.axis }));
  const places = [...layers.keys()];
  const samples = calibrationFeeds(context, SAMPLES);
  const float = await Means.open(original, watched, context, samples);
  const wanted = await float.of(places).finally(() => float.release());
  const shifted = layers.map(
    ({ layer, rank }): Watched => ({ name: layer.output, rank, axis: layer.axis, shifted: layer.node }),
  );
  const corrections = wanted.map((mean) => new Float64Array(mean.length));
  const means = await Means.open(model, shifted, context, samples);
  try {
    for (const at of places) means.shift(at, corrections[at]!);
    const depths = [...new Set(layers.map(({ layer }) => layer.depth))].sort((a, b) => a - b);
    for (const [done, depth] of depths.entries()) {
      context.onProgress?.({ task: "correct biases", done, total: depths.length });
      const now = places.filter((at) => layers[at]!.layer.depth === depth);
      for (const [i, found] of (await means.of(now)).entries()) {
        const at = now[i]!;
        corrections[at] = wanted[at]!.map((mean, c) => finite(mean - found[c]!));
        means.shift(at, corrections[at]!);
      }
    }
  } finally {
    await means.release();
  }
  return corrections;
}

const finite = (value: number) => (Number.isFinite(value) ? value : 0);
