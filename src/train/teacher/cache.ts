// What a teacher gave for a sample, kept for the next epoch: by the numbers that were fed, so that augmented samples are samples
// of their own.

import { hashData } from "../../tensor/content.js";
import { bytesData } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import { rows } from "../collate.js";

export class TeacherCache {
  readonly #kept = new Map<string, readonly Float32Array[]>();
  #left: number;

  constructor(megabytes: number) {
    this.#left = megabytes * 2 ** 20;
  }

  get(key: string): readonly Float32Array[] | undefined {
    return this.#kept.get(key);
  }

  /** What does not fit is not kept. */
  set(key: string, values: readonly Float32Array[]): void {
    const bytes = values.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bytes > this.#left || this.#kept.has(key)) return;
    this.#left -= bytes;
    this.#kept.set(key, values);
  }
}

/** A key for each of `count` samples that make a batch. */
export async function sampleKeys(feeds: Feeds, count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let at = 0; at < count; at++) {
    const parts = Object.values(feeds).map((value) => {
      const all = value.dims[0] ?? 0;
      const own = value.dims.length === 0 ? value : rows(value, (at * all) / count, ((at + 1) * all) / count);
      const { buffer, byteOffset, byteLength } = own.data as Uint8Array;
      return hashData(bytesData(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)));
    });
    keys.push((await Promise.all(parts)).join());
  }
  return keys;
}
