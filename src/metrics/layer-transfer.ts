// What each layer's weights take on the way, compressed by themselves: which weights are worth packing otherwise.

import type { Model } from "../ir/model.js";
import type { Tensor } from "../tensor/tensor.js";
import { CHUNK } from "../tensor/tensor.js";
import { type LayerConstants, layerConstants } from "./layers.js";
import type { MetricContext } from "./metric.js";
import type { LayerSize, TransferSize } from "./report.js";
import { SAMPLE_BYTES, WHOLE_LIMIT } from "./sample-size.js";

/** Less than this is of no interest by itself. */
const SHORTEST = 1024;

/**
 * `layerSizes` with the compressed size of each layer. A model of more than 256 MB is sampled in the same proportion in each
 * layer, at least 1 MiB of it.
 */
export async function layerTransfer(
  models: readonly Model[],
  context: Pick<MetricContext, "compressedSize" | "signal">,
): Promise<readonly LayerSize[]> {
  const layers = layerConstants(models);
  const sizes = (layer: LayerConstants) =>
    layer.held.map((held) => (held === null ? null : storedBytes(partsOf(held))));
  const totals = models.map((_, index) => layers.reduce((sum, layer) => sum + (sizes(layer)[index] ?? 0), 0));
  const rows: LayerSize[] = [];
  for (const layer of layers) {
    const bytes = sizes(layer);
    const transfer: (TransferSize | null)[] = [];
    for (const [index, held] of layer.held.entries()) {
      context.signal?.throwIfAborted();
      const size = bytes[index] ?? 0;
      const share = Math.min(1, WHOLE_LIMIT / Math.max(1, totals[index]!));
      const wanted = share === 1 ? size : Math.min(size, Math.max(SAMPLE_BYTES, size * share));
      transfer.push(held === null || size < SHORTEST ? null : await compressed(partsOf(held), size, wanted, context));
    }
    rows.push({ name: layer.name, op: layer.op, bytes, transfer });
  }
  return rows;
}

const partsOf = (held: NonNullable<LayerConstants["held"][number]>): readonly Tensor[] =>
  held.flatMap(({ parts }) => parts);

const storedBytes = (parts: readonly Tensor[]) => parts.reduce((sum, part) => sum + bytesOf(part), 0);

const bytesOf = ({ data, strings }: Tensor) =>
  strings ? strings.reduce((sum, text) => sum + text.byteLength, 0) : data.byteLength;

async function compressed(
  parts: readonly Tensor[],
  size: number,
  wanted: number,
  context: Pick<MetricContext, "compressedSize" | "signal">,
): Promise<TransferSize> {
  const estimated = wanted < size;
  const taken = { bytes: 0 };
  const measured = async (kind: "gzip" | "brotli") => {
    taken.bytes = 0;
    const bytes = await context.compressedSize(kind, pieces(parts, wanted / size, taken, context));
    if (bytes === undefined) return null;
    return estimated ? Math.round((bytes * size) / taken.bytes) : bytes;
  };
  // One after the other: what is computed when it is pulled is held once.
  const gzip = await measured("gzip");
  const brotli = await measured("brotli");
  return { gzip, brotli, ...(estimated ? { estimated } : {}) };
}

/** All bytes of the parts, or of each the pieces that come evenly to `share` of it. */
async function* pieces(
  parts: readonly Tensor[],
  share: number,
  taken: { bytes: number },
  { signal }: Pick<MetricContext, "signal">,
): AsyncGenerator<Uint8Array> {
  const give = (piece: Uint8Array) => {
    signal?.throwIfAborted();
    taken.bytes += piece.byteLength;
    return piece;
  };
  for (const part of parts) {
    if (part.strings) for (const text of part.strings) yield give(text);
    const { data } = part;
    if (data.span === undefined || share === 1) {
      for await (const piece of data.stream()) yield give(piece);
      continue;
    }
    const length = Math.min(SAMPLE_BYTES, CHUNK);
    for (let at = 0; at < data.byteLength; at += Math.ceil(length / share)) {
      yield give(await data.read(at, Math.min(at + length, data.byteLength)));
    }
  }
}
