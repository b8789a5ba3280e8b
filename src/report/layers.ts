// The layers worth showing: the largest, in graph order, and the rest as one row.

import type { LayerSize, Report } from "../metrics/report.js";
import { bytes } from "./format.js";

const SHOWN = 32;

export function shownLayers({ layers = [], models }: Report): readonly LayerSize[] {
  const weight = ({ bytes }: LayerSize) => Math.max(...bytes.map((each) => each ?? 0));
  if (layers.length <= SHOWN + 1) return layers;
  const kept = new Set([...layers].sort((a, b) => weight(b) - weight(a)).slice(0, SHOWN));
  const rest = layers.filter((layer) => !kept.has(layer));
  const sum = (index: number, kind: "gzip" | "brotli") =>
    rest.reduce((all, layer) => all + (layer.transfer?.[index]?.[kind] ?? layer.bytes[index] ?? 0), 0);
  const bytesOfRest = models.map((_, index) => rest.reduce((sum, layer) => sum + (layer.bytes[index] ?? 0), 0));
  const measured = (index: number, kind: "gzip" | "brotli") =>
    rest.some(({ transfer }) => typeof transfer?.[index]?.[kind] === "number") ? sum(index, kind) : null;
  const transfer = models.map((_, index) => ({ gzip: measured(index, "gzip"), brotli: measured(index, "brotli") }));
  const others = {
    name: `${rest.length} smaller layers`,
    op: "",
    bytes: bytesOfRest,
    ...(layers.some((layer) => layer.transfer) && { transfer }),
  };
  return [...layers.filter((layer) => kept.has(layer)), others];
}

/** Weight bytes of a layer in one model, and compressed: "1.18 MB", "gzip 1.1 MB, brotli 1.02 MB". Undefined: not there. */
export function layerText({ bytes: sizes, transfer }: LayerSize, index: number) {
  const raw = sizes[index];
  if (raw === null || raw === undefined) return undefined;
  const sent = transfer?.[index];
  const parts = (["gzip", "brotli"] as const).flatMap((kind) => {
    const size = sent?.[kind];
    return typeof size === "number" ? `${kind} ${sent?.estimated ? "≈ " : ""}${bytes(size)}` : [];
  });
  return { raw: bytes(raw), sent: parts.length === 0 ? undefined : parts.join(", ") };
}
