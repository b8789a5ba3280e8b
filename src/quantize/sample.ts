// An even sample of each channel of a weight, all of it where it is small: what ranges and codebooks are searched on.

import { cutter } from "../kernels/cut.js";
import { FLOAT_BYTES, floats } from "../kernels/numbers.js";
import type { Weight } from "../weights/weights.js";
import type { Cut } from "./cut.js";

/** Elements of a sample, at most (at least two of each channel). */
const SAMPLE = 2 ** 23;
const PIECE = 2 ** 20;

/** [channels, length]: every so-manieth element of each channel, in order, of the weight streamed once. */
export async function sampleOf(
  { tensor, elements }: Weight,
  { along, columns, granularity }: Cut,
  channels: number,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Float32Array<ArrayBuffer>> {
  const each = elements / channels;
  const step = Math.ceil(each / Math.max(2, Math.floor(SAMPLE / channels)));
  const length = Math.ceil(each / step);
  const sample = new Float32Array(channels * length);
  // The element at `at` is number `index` of its channel.
  const run = granularity === "tensor" ? elements : along === "rows" ? 1 : columns;
  const bytes = cutter(tensor.data.stream());
  const size = FLOAT_BYTES[tensor.dtype];
  try {
    for (let first = 0; first < elements; first += PIECE) {
      signal?.throwIfAborted();
      const values = floats(await bytes.take(Math.min(PIECE, elements - first) * size), tensor.dtype);
      for (let i = 0; i < values.length; i++) {
        const row = Math.floor((first + i) / run);
        const channel = row % channels;
        const index = ((row - channel) / channels) * run + ((first + i) % run);
        if (index % step === 0) sample[channel * length + index / step] = values[i]!;
      }
    }
  } finally {
    await bytes.close();
  }
  return sample;
}
