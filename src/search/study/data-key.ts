// What tells one dataset from another: sizes of its parts, and the content of samples spread over each.

import type { Dataset, Sample, Split } from "../../data/dataset.js";
import { hash } from "../../metrics/equal-weights.js";
import { bytesData } from "../../tensor/tensor.js";
import type { Value } from "../../tensor/value.js";
import { canonical } from "./store.js";

const PARTS: readonly Split[] = ["train", "calibrate", "measure"];
/** Of each part; a stream's first. */
const SAMPLES = 64;

/** Hashing every sample would cost a pass over all data at every start; what is edited shows in its size or in these. */
export async function dataKey(data: Dataset, signal?: AbortSignal): Promise<string> {
  const parts: unknown[] = [data.metric ?? null, data.labelled];
  for (const name of PARTS) {
    const part = data.split(name);
    parts.push(name, part.size ?? null);
    for await (const sample of spread(part, signal)) parts.push(await sampleKey(sample));
    // What training changes about its samples stands in the dataset too.
    if (name === "train" && part.sample && part.size !== 0) {
      parts.push(await sampleKey(await part.sample(0, { seed: 1, epoch: 1 })));
    }
  }
  return textHash(canonical(parts));
}

async function* spread(part: Dataset, signal: AbortSignal | undefined): AsyncIterable<Sample> {
  const { size } = part;
  if (part.sample === undefined || size === undefined) {
    yield* part.samples({ limit: SAMPLES, ...(signal && { signal }) });
    return;
  }
  const count = Math.min(SAMPLES, size);
  for (let at = 0; at < count; at++) {
    signal?.throwIfAborted();
    yield await part.sample(Math.floor((at * size) / count));
  }
}

async function sampleKey({ id, label, feeds }: Sample): Promise<string> {
  const values = Object.entries(feeds).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts: unknown[] = [id];
  for (const [name, value] of values) parts.push(name, await valueKey(value));
  if (typeof label === "object" && "dtype" in label) parts.push(await valueKey(label));
  else parts.push(label ?? null);
  return textHash(canonical(parts));
}

async function valueKey({ dtype, dims, data }: Value): Promise<string> {
  const bytes =
    "buffer" in data
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new TextEncoder().encode(JSON.stringify(data));
  return `${dtype} ${dims.join("x")} ${await hash(bytesData(bytes))}`;
}

const textHash = (text: string): Promise<string> => hash(bytesData(new TextEncoder().encode(text)));
