// What the model's activations are on the calibration data: extremes and mean magnitude of each channel, and some rows of
// them to measure with. A few values at a time: memory does not grow with the samples, nor with the layers.

import { capture } from "../../../engine/capture.js";
import type { Shape } from "../../../engine/observe.js";
import type { Model } from "../../../ir/model.js";
import { type CalibrationData, ONE_THREAD } from "../../../statistics/data.js";
import type { StepContext } from "../../../step/step.js";
import { fromFloat16 } from "../../../tensor/float16.js";
import type { Feeds, Value } from "../../../tensor/value.js";
import type { Group } from "./groups.js";

/** Of one activation; channels are columns. */
export interface Activations {
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Mean of the magnitudes. */
  readonly meanAbs: Float64Array;
  /** [rows, channels], evenly from every sample. */
  readonly rows: Float32Array;
}

/** Numbers kept as rows, of one group and of the groups that are looked at together. */
const ROWS = { numbers: 2 ** 21, least: 128, most: 1024 };
const TOGETHER = 2 ** 25;

export interface Source {
  readonly model: Model;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly data: CalibrationData;
  /** At most this many samples are looked at. */
  readonly limit: number;
  readonly context: StepContext;
}

/** In the order of the groups. Each part of them that fits into memory costs one run over the samples. */
export async function* activationsOf(
  source: Source,
  groups: readonly Group[],
): AsyncGenerator<readonly [Group, Activations]> {
  let part: Group[] = [];
  let numbers = 0;
  for (const group of groups) {
    const size = rowsOf(group) * group.channels;
    if (part.length > 0 && numbers + size > TOGETHER) {
      yield* collected(source, part);
      part = [];
      numbers = 0;
    }
    part.push(group);
    numbers += size;
  }
  if (part.length > 0) yield* collected(source, part);
}

const rowsOf = ({ channels }: Group) => Math.max(ROWS.least, Math.min(ROWS.most, Math.floor(ROWS.numbers / channels)));

async function* collected({ model, shapes, data, limit, context }: Source, groups: readonly Group[]) {
  const count = data.expected || limit;
  const feeds: AsyncIterable<Feeds> = {
    async *[Symbol.asyncIterator]() {
      for await (const sample of data.samples()) yield sample.feeds;
    },
  };
  const collectors = new Map(groups.map((group) => [group.value, new Collector(group, count)]));
  const names = [...collectors.keys()];
  for await (const record of capture(model, names, feeds, context, { ...ONE_THREAD, values: shapes })) {
    for (const [name, value] of Object.entries(record)) collectors.get(name)!.add(value);
  }
  for (const group of groups) yield [group, collectors.get(group.value)!.done()] as const;
}

class Collector {
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sum: Float64Array;
  readonly #rows: Float32Array;
  readonly #each: number;
  #kept = 0;
  #count = 0;

  constructor(
    private readonly group: Group,
    samples: number,
  ) {
    const { channels } = group;
    this.#min = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    this.#sum = new Float64Array(channels);
    this.#each = Math.ceil(rowsOf(group) / samples);
    this.#rows = new Float32Array(this.#each * samples * channels);
  }

  add({ dtype, dims, data }: Value): void {
    const { channels, axis } = this.group;
    const numbers = dtype === "float16" ? fromFloat16(data as Uint16Array) : (data as Float32Array);
    // A place along the axis of channels is `inner` numbers from the next; a row is one place of all other axes.
    const inner = axis < 0 ? 1 : dims.slice(axis + 1).reduce((all, size) => all * size, 1);
    const rows = numbers.length / channels;
    const first = (row: number) => Math.floor(row / inner) * inner * channels + (row % inner);
    for (let row = 0; row < rows; row++) {
      for (let c = 0, at = first(row); c < channels; c++, at += inner) {
        const value = numbers[at]!;
        if (value < this.#min[c]!) this.#min[c] = value;
        if (value > this.#max[c]!) this.#max[c] = value;
        this.#sum[c]! += Math.abs(value);
      }
    }
    this.#count += rows;
    const wanted = Math.min(rows, this.#each, this.#rows.length / channels - this.#kept);
    for (let i = 0; i < wanted; i++) {
      const from = first(Math.floor(((i + 0.5) * rows) / wanted));
      const to = this.#kept++ * channels;
      for (let c = 0; c < channels; c++) this.#rows[to + c] = numbers[from + c * inner]!;
    }
  }

  done(): Activations {
    const rows = this.#rows.subarray(0, this.#kept * this.group.channels);
    return { min: this.#min, max: this.#max, meanAbs: this.#sum.map((sum) => sum / this.#count), rows };
  }
}
