// From rows to a dataset: a seeded order that is the same at every call, a limit, and parts that never overlap.

import { internal, invalid } from "../base/errors.js";
import { random } from "../tensor/random.js";
import { type AugmentPlan, augmenter, checkAugment, parseAugment } from "./augment/index.js";
import type { Dataset, Sample, Split } from "./dataset.js";
import type { Feeder } from "./inputs.js";
import type { IndexedRows, Row, Rows } from "./reader.js";

export const PARTS: readonly Split[] = ["calibrate", "train", "measure"];

export interface Arrangement {
  readonly name: string;
  readonly rows: Rows;
  readonly feeder: Feeder;
  readonly seed: number;
  /** Use so many rows at most, drawn by the seed. */
  readonly count: number | undefined;
  readonly metric: string | undefined;
}

/** What is asked of a part beside its share: the other parts, and what changes its samples when it is trained on. */
interface PartOptions {
  split(part: Split): Dataset;
  /** Undefined where nothing is ever augmented: all parts but the one for training. */
  readonly augment?: AugmentPlan | undefined;
}

/** The samples of rows between two shares of the seeded order: [0, 1) is all of them. */
export function part(from: Arrangement, begin: number, end: number, options: PartOptions): Dataset {
  const { rows, feeder } = from;
  const { augment } = options;
  if (augment) checkAugment(augment, rows.augments, from.name);
  const indices = rows.size === undefined ? undefined : order(rows.size, from);
  const first = indices && Math.round(indices.length * begin);
  const last = indices && Math.round(indices.length * end);
  const size = indices && Math.floor((last! - first!) / feeder.batch);
  return {
    name: from.name,
    size,
    labelled: rows.labelled,
    synthetic: false,
    metric: from.metric ?? rows.metric,
    split: options.split,
    augmented(list) {
      const plan = parseAugment(list);
      return augment ? part(from, begin, end, { ...options, augment: plan }) : this;
    },
    ...(indices && {
      async sample(index, draw) {
        if (!Number.isInteger(index) || index < 0 || index >= size!) {
          throw internal(`sample ${index} was asked of ${size}`);
        }
        const at = first! + index * feeder.batch;
        const group: Promise<Row>[] = [];
        for (let row = 0; row < feeder.batch; row++) {
          // The place in the part decides the draw, not the row: a group that the model wants at once is no one draw.
          const change = draw && augment?.length ? augmenter(augment, draw, index * feeder.batch + row) : undefined;
          group.push((rows as IndexedRows).read(indices[at + row]!, change));
        }
        return feeder.sample(await Promise.all(group));
      },
    }),
    async *samples(options = {}) {
      if (begin >= end || size === 0) {
        throw invalid("data-part-empty", `${from.name}: this part of the dataset holds no sample.`, {
          found: rows.size === undefined ? undefined : `${rows.size} rows, ${feeder.batch} to a sample`,
          hint: 'Give more data, or state the shares: "split": { "calibrate": 0.5, "measure": 0.5 }.',
        });
      }
      const source = indices ? pick(rows as IndexedRows, indices.subarray(first, last)) : streamed(from, begin, end);
      yield* grouped(source, feeder, options.limit ?? Infinity, options.signal);
    },
  };
}

/** A permutation that depends on the number of rows and the seed only (Fisher and Yates), cut to `count`. */
function order(size: number, { seed, count }: Arrangement): Uint32Array {
  const indices = Uint32Array.from({ length: size }, (_, i) => i);
  const draw = random(seed);
  const wanted = Math.min(count ?? size, size);
  for (let i = 0; i < Math.min(wanted, size - 1); i++) {
    const j = i + draw.int(size - i);
    [indices[i], indices[j]] = [indices[j]!, indices[i]!];
  }
  return indices.subarray(0, wanted);
}

async function* pick(rows: IndexedRows, indices: Uint32Array): AsyncIterable<Row> {
  for (const index of indices) yield await rows.read(index);
}

/** A stream cannot be permuted: the row's name decides its part, and the order is the stream's. */
async function* streamed({ rows, seed, count }: Arrangement, begin: number, end: number): AsyncIterable<Row> {
  if (rows.size !== undefined) return;
  let taken = 0;
  for await (const row of rows.stream()) {
    if (taken++ >= (count ?? Infinity)) return;
    const at = place(row.id, seed);
    if (at >= begin && at < end) yield row;
  }
}

async function* grouped(source: AsyncIterable<Row>, feeder: Feeder, limit: number, signal: AbortSignal | undefined) {
  let group: Row[] = [];
  let given = 0;
  if (limit <= 0) return;
  for await (const row of source) {
    signal?.throwIfAborted();
    group.push(row);
    if (group.length < feeder.batch) continue;
    const sample: Sample = feeder.sample(group);
    group = [];
    yield sample;
    if (++given >= limit) return;
  }
}

/** A place in [0, 1) for a name: FNV-1a over UTF-16 units, mixed with the seed by the finisher of MurmurHash3. */
function place(id: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
