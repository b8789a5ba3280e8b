// Bits for each layer so that a model fits a size: the layers that the outputs depend on least give up bits first.

import type { Sensitivity } from "./sensitivity.js";

/** Widths that integers of weight-only quantization have, widest first. */
export const WIDTHS = [8, 6, 5, 4, 3, 2] as const;
export type Width = (typeof WIDTHS)[number];

export interface MixedLayer {
  /** Labels of its nodes, or the weight's name. */
  readonly keep: readonly string[];
  /** Weights that it has. */
  readonly elements: number;
  /** Error over signal of the outputs at `measuredBits`, nothing else rounded. */
  readonly noise: number;
}

export type Mix = ReadonlyMap<MixedLayer, Width>;

/** A half more than a byte for every 32: scales of blocks in float16. */
const SCALE_BITS = 0.5;

/** Bytes that the codes and scales of a layer take. */
export const bytesAt = ({ elements }: MixedLayer, bits: number): number => (elements * (bits + SCALE_BITS)) / 8;

/**
 * The mix of least error whose codes take at most `budget` bytes; undefined where not even the narrowest does. Noise falls
 * by four with every bit (6 dB), from what was measured at `measuredBits`. Greedy: the step down that adds the least noise
 * for the bytes it saves, again and again.
 */
export function mixFor(
  layers: readonly MixedLayer[],
  budget: number,
  { measuredBits, widest }: { readonly measuredBits: number; readonly widest: number },
): Mix | undefined {
  const widths = WIDTHS.filter((width) => width <= widest);
  const at = new Map(layers.map((layer) => [layer, 0]));
  const noiseAt = (layer: MixedLayer, bits: number) => layer.noise * 4 ** (measuredBits - bits);
  let total = layers.reduce((sum, layer) => sum + bytesAt(layer, widths[0]!), 0);
  while (total > budget) {
    let next: { layer: MixedLayer; saved: number; worth: number } | undefined;
    for (const [layer, rung] of at) {
      const [now, then] = [widths[rung]!, widths[rung + 1]];
      if (then === undefined) continue;
      const saved = bytesAt(layer, now) - bytesAt(layer, then);
      const worth = (noiseAt(layer, then) - noiseAt(layer, now)) / saved;
      if (saved > 0 && (next === undefined || worth < next.worth)) next = { layer, saved, worth };
    }
    if (next === undefined) return undefined;
    at.set(next.layer, at.get(next.layer)! + 1);
    total -= next.saved;
  }
  return new Map([...at].map(([layer, rung]) => [layer, widths[rung]!]));
}

/** The layers of a mix from what was measured of the model's weights. */
export function mixedLayers(
  { alone }: Pick<Sensitivity, "alone">,
  elementsOf: (name: string) => number,
): readonly MixedLayer[] {
  return [...alone].flatMap(([one, { mean }]) => {
    const elements = one.keep.reduce((sum, name) => sum + elementsOf(name), 0);
    return elements === 0 ? [] : [{ keep: one.keep, elements, noise: Math.min(mean, 1e6) }];
  });
}
