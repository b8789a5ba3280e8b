// The layers worth showing: the largest, in graph order, and the rest as one row.

import type { LayerSize, Report } from "../metrics/report.js";

const SHOWN = 32;

export function shownLayers({ layers = [], models }: Report): readonly LayerSize[] {
  const weight = ({ bytes }: LayerSize) => Math.max(...bytes.map((each) => each ?? 0));
  if (layers.length <= SHOWN + 1) return layers;
  const kept = new Set([...layers].sort((a, b) => weight(b) - weight(a)).slice(0, SHOWN));
  const rest = layers.filter((layer) => !kept.has(layer));
  const bytes = models.map((_, index) => rest.reduce((sum, layer) => sum + (layer.bytes[index] ?? 0), 0));
  return [...layers.filter((layer) => kept.has(layer)), { name: `${rest.length} smaller layers`, op: "", bytes }];
}
