// Samples in the order of an epoch: by index where the dataset can, else from memory, else through a shuffle buffer.

import { invalid } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import type { Dataset, Sample } from "../data/dataset.js";
import { drawn, permutation } from "./draws.js";

export interface Source {
  readonly size: number;
  /** Samples [from, from + count) of the order of an epoch. What follows the last call is fast; anything else may start anew. */
  read(epoch: number, from: number, count: number): Promise<readonly Sample[]>;
  readonly notes: readonly Note[];
}

export interface SourceOptions {
  readonly seed: number;
  /** Bytes of samples that may be kept. */
  readonly budget: number;
  readonly signal?: AbortSignal | undefined;
}

/** Throws `invalid("data-empty")`. */
export async function openSource(data: Dataset, options: SourceOptions): Promise<Source> {
  if (data.sample !== undefined && data.size !== undefined) {
    return byIndex(checked(data.size, data), options.seed, [], (index, epoch) =>
      data.sample!(index, { seed: options.seed, epoch }),
    );
  }
  const kept: Sample[] = [];
  let bytes = 0;
  let size = 0;
  let fits = true;
  for await (const sample of data.samples(options.signal === undefined ? {} : { signal: options.signal })) {
    size++;
    bytes += bytesOf(sample);
    if (bytes > options.budget) fits = false;
    else if (fits) kept.push(sample);
  }
  checked(size, data);
  if (fits) return byIndex(size, options.seed, [], async (index) => kept[index]!);
  return streamed(data, size, Math.max(2, kept.length), options.seed);
}

function checked(size: number, data: Dataset): number {
  if (size > 0) return size;
  throw invalid("data-empty", `There is no sample to train on in ${data.name}.`);
}

function byIndex(
  size: number,
  seed: number,
  notes: readonly Note[],
  sample: (index: number, epoch: number) => Promise<Sample>,
): Source {
  let known: { readonly epoch: number; readonly order: Uint32Array } | undefined;
  return {
    size,
    notes,
    read(epoch, from, count) {
      if (known?.epoch !== epoch) known = { epoch, order: permutation(size, seed, epoch) };
      return Promise.all(Array.from(known.order.subarray(from, from + count), (index) => sample(index, epoch)));
    },
  };
}

/**
 * As many samples as fit wait in a buffer; each draw takes one of them at random and puts the next of the stream in its
 * place. What stands close together in the data stays closer than in a permutation.
 */
function streamed(data: Dataset, size: number, buffer: number, seed: number): Source {
  let open: { epoch: number; at: number; readonly samples: AsyncIterator<Sample> } | undefined;
  const close = async () => {
    await open?.samples.return?.();
    open = undefined;
  };
  return {
    size,
    notes: [
      info(
        "shuffle-buffer",
        `The ${size} samples do not fit in memory and have no index: they are shuffled through a buffer of ${buffer}.`,
      ),
    ],
    async read(epoch, from, count) {
      if (open?.epoch !== epoch || open.at > from) {
        await close();
        open = { epoch, at: 0, samples: shuffled(data, buffer, seed, epoch)[Symbol.asyncIterator]() };
      }
      const found: Sample[] = [];
      while (open.at < from + count) {
        const next = await open.samples.next();
        if (next.done) break;
        if (open.at++ >= from) found.push(next.value);
      }
      return found;
    },
  };
}

async function* shuffled(data: Dataset, buffer: number, seed: number, epoch: number) {
  const source = drawn(seed, "buffer", epoch);
  const waiting: Sample[] = [];
  // No signal: a training that is stopped finishes its step, with the batches that are under way.
  for await (const sample of data.samples()) {
    if (waiting.length < buffer) {
      waiting.push(sample);
      continue;
    }
    const place = source.int(buffer);
    yield waiting[place]!;
    waiting[place] = sample;
  }
  while (waiting.length > 0) {
    const place = source.int(waiting.length);
    yield waiting[place]!;
    waiting[place] = waiting.at(-1)!;
    waiting.pop();
  }
}

function bytesOf({ feeds }: Sample): number {
  let bytes = 0;
  for (const { data } of Object.values(feeds)) bytes += ArrayBuffer.isView(data) ? data.byteLength : data.length * 32;
  return bytes;
}
