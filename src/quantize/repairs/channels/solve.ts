// The scale of each channel that makes what writes it and what reads it equally wide.

import type { ChannelClasses } from "./classes.js";
import { rowMagnitudes } from "./magnitudes.js";
import type { TracedLayer } from "./trace.js";

/** Rows of all weights that are kept between sweeps, 12 bytes each; beyond that each sweep reads the weights anew. */
const KEPT_ROWS = 2 ** 24;
const SWEEPS = 40;
/** Scales that change by less than this (as a natural logarithm) have settled. */
const SETTLED = 0.01;
/** All channels move at once: short of the whole way, so that neighbours do not swing against each other. */
const STEP = 0.8;
/** No scale goes further than 2^4 either way: what a nearly dead channel was seen to give says little of what it may give. */
const LARGEST = 4 * Math.LN2;

export interface Measure {
  /** How wide a channel is where it is written, before it is scaled; left out: as the rows of the weights that write it. */
  readonly width?: (channel: number) => number;
  /** 0.5: both sides become equally wide; 1: all channels are written equally wide, whatever reads them. */
  readonly share: number;
}

/**
 * Scales by channel (`classes.find` of it); those not in it are 1. A channel x is to become x / scale. Solves
 * (width / scale) ^ share = (scale * columns that read it) ^ (1 - share), for all channels at once, by sweeps over the weights.
 */
export async function solveScales(
  classes: ChannelClasses,
  layers: readonly TracedLayer[],
  { width, share }: Measure,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const parts = layers.map((traced) => new Part(classes, traced)).filter(({ free }) => free);
  const keep = parts.reduce((sum, part) => sum + part.rows, 0) <= KEPT_ROWS;
  // Logarithms of the scales by channel.
  const logs = new Float64Array(classes.size);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const [written, read] = [new Float64Array(classes.size), new Float64Array(classes.size)];
    const scales = logs.map(Math.exp);
    for (const part of parts) {
      signal?.throwIfAborted();
      await part.widen(scales, written, read, keep);
    }
    let largest = 0;
    for (const channel of logs.keys()) {
      const from = width ? width(channel) / scales[channel]! : written[channel]!;
      // Dead on either side: any scale is as good.
      if (!(from > 0 && read[channel]! > 0) || classes.reason(channel) !== undefined) continue;
      const before = logs[channel]!;
      const wanted = before + STEP * (share * Math.log(from) - (1 - share) * Math.log(read[channel]!));
      logs[channel] = Math.max(-LARGEST, Math.min(LARGEST, wanted));
      largest = Math.max(largest, Math.abs(logs[channel]! - before));
    }
    if (largest < SETTLED) break;
  }
  const scaled = [...logs.entries()].filter(([, log]) => log !== 0);
  return new Map(scaled.map(([channel, log]) => [channel, Math.exp(log)]));
}

/** One weight: for each of its rows the channel that it reads and the channel that it writes. */
class Part {
  readonly rows: number;
  readonly free: boolean;
  readonly #reads: Int32Array | undefined;
  readonly #writes: Int32Array;
  #kept: Promise<Rows> | undefined;

  constructor(
    classes: ChannelClasses,
    private readonly traced: TracedLayer,
  ) {
    const { layer, reads, writes } = traced;
    this.rows = layer.tensor.dims.reduce((all, size) => all * size, 1) / layer.length;
    this.free = [...(reads ?? []), ...writes].some((id) => classes.reason(id) === undefined);
    this.#reads = reads && Int32Array.from(reads, (id) => classes.find(id));
    this.#writes = Int32Array.from(writes, (id) => classes.find(id));
  }

  /** Widens what is known of each channel by the rows of this weight as the scales make them. */
  async widen(scales: Float64Array, written: Float64Array, read: Float64Array, keep: boolean): Promise<void> {
    const rows = this.#kept ?? this.#read();
    if (keep) this.#kept = rows;
    const { magnitudes, inputs, outputs } = await rows;
    const [reads, writes] = [this.#reads, this.#writes];
    for (let row = 0; row < magnitudes.length; row++) {
      const to = writes[outputs[row]!]!;
      const from = reads === undefined ? -1 : reads[inputs[row]!]!;
      const width = (magnitudes[row]! * (from < 0 ? 1 : scales[from]!)) / scales[to]!;
      if (width > written[to]!) written[to] = width;
      if (from >= 0 && width > read[from]!) read[from] = width;
    }
  }

  async #read(): Promise<Rows> {
    const { layer } = this.traced;
    const magnitudes = await rowMagnitudes(layer.tensor, layer.length);
    const inputs = Int32Array.from(magnitudes, (_, row) => layer.inputOf(row));
    const outputs = Int32Array.from(magnitudes, (_, row) => layer.outputOf(row));
    return { magnitudes, inputs, outputs };
  }
}

interface Rows {
  readonly magnitudes: Float32Array;
  readonly inputs: Int32Array;
  readonly outputs: Int32Array;
}
