// The samples of a part of a dataset as files that every tool reads alike: samples.json says where each input of each
// sample stands in samples.bin (little-endian), and its label.

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Dataset, DatasetSpec, Model } from "../../src/index.js";
import { withServices } from "../../src/services.js";

export interface StoredValue {
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly at: number;
  readonly bytes: number;
}

export interface StoredSample {
  readonly feeds: Readonly<Record<string, StoredValue>>;
  /** A class, or for each position the token that follows (below 0: not counted). */
  readonly label: number | readonly number[] | undefined;
}

/** What of a dataset is dumped; several parts stand one after the other. */
export interface Part {
  readonly data: DatasetSpec;
  readonly split: "calibrate" | "train" | "measure";
  readonly limit: number;
}

/** Writes the folder unless it is there already. */
export async function dump(model: Model, parts: readonly Part[], folder: string): Promise<void> {
  if (existsSync(folder)) return;
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const file = openSync(join(making, "samples.bin"), "w");
  const samples: StoredSample[] = [];
  let at = 0;
  for (const { data, split, limit } of parts) {
    await withServices(model, { data, seed: 0 }, async (services) => {
      const part: Dataset = services.data.split(split);
      for await (const { feeds, label } of part.samples({ limit })) {
        const stored: Record<string, StoredValue> = {};
        for (const [name, { dtype, dims, data: numbers }] of Object.entries(feeds)) {
          const { buffer, byteOffset, byteLength } = numbers as Float32Array<ArrayBuffer>;
          writeSync(file, new Uint8Array(buffer, byteOffset, byteLength));
          stored[name] = { dtype, dims, at, bytes: byteLength };
          at += byteLength;
        }
        samples.push({ feeds: stored, label: labelOf(label) });
      }
    });
  }
  closeSync(file);
  writeFileSync(join(making, "samples.json"), JSON.stringify(samples));
  renameSync(making, folder);
}

function labelOf(label: unknown): StoredSample["label"] {
  if (typeof label === "number") return label;
  if (Array.isArray(label)) return label.length === 1 ? Number(label[0]) : label.map(Number);
  const data = (label as { data?: ArrayLike<number | bigint> } | undefined)?.data;
  return data && Array.from(data, Number);
}

export interface Store {
  readonly samples: readonly StoredSample[];
  read(value: StoredValue): Float32Array | BigInt64Array;
  close(): void;
}

export function opened(folder: string): Store {
  const samples = JSON.parse(readFileSync(join(folder, "samples.json"), "utf8")) as StoredSample[];
  const file = openSync(join(folder, "samples.bin"), "r");
  return {
    samples,
    read({ dtype, at, bytes }) {
      const buffer = new ArrayBuffer(bytes);
      readSync(file, new Uint8Array(buffer), 0, bytes, at);
      return dtype === "int64" ? new BigInt64Array(buffer) : new Float32Array(buffer);
    },
    close: () => closeSync(file),
  };
}
