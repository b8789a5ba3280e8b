// Samples as both sides read them: one after another in data.bin, the inputs and then the label as int64; data.json says how.

import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Value } from "../../src/tensor/value.js";

interface About {
  readonly samples: number;
  /** Bytes of one sample. */
  readonly stride: number;
  /** `dims` without the batch. */
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: "float32" | "int64";
    readonly dims: readonly number[];
  }[];
}

type Stored = { readonly dims: readonly number[]; readonly data: Float32Array | BigInt64Array };

export class SampleWriter {
  readonly #folder: string;
  readonly #file: number;
  #about: About | undefined;
  #samples = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = openSync(join(folder, "data.bin"), "w");
  }

  /** Feeds of one sample, batch dimension included. */
  add(feeds: Readonly<Record<string, Stored>>, label: number): void {
    const inputs = Object.entries(feeds).map(([name, { dims, data }]) => ({
      name,
      dtype: data instanceof Float32Array ? ("float32" as const) : ("int64" as const),
      dims: dims.slice(1),
    }));
    let stride = 8;
    for (const { data } of Object.values(feeds)) {
      writeSync(this.#file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      stride += data.byteLength;
    }
    writeSync(this.#file, new Uint8Array(BigInt64Array.of(BigInt(label)).buffer));
    this.#samples++;
    this.#about = { samples: this.#samples, stride, inputs };
  }

  finish(): void {
    closeSync(this.#file);
    writeFileSync(join(this.#folder, "data.json"), JSON.stringify(this.#about));
  }
}

export class SampleReader {
  readonly about: About;
  readonly #file: number;

  constructor(folder: string) {
    this.about = JSON.parse(readFileSync(join(folder, "data.json"), "utf8")) as About;
    this.#file = openSync(join(folder, "data.bin"), "r");
  }

  /** Batch number `step` of `size` samples, from the first sample again after the last. */
  batch(step: number, size: number): { feeds: Record<string, Value>; labels: number[] } {
    const { samples, stride, inputs } = this.about;
    const labels: number[] = [];
    const parts = inputs.map(({ dims, dtype }) => {
      const length = dims.reduce((all, one) => all * one, 1) * (dtype === "float32" ? 4 : 8);
      return { length, bytes: new Uint8Array(length * size) };
    });
    const row = new Uint8Array(stride);
    for (let i = 0; i < size; i++) {
      readSync(this.#file, row, 0, stride, ((step * size + i) % samples) * stride);
      let at = 0;
      for (const { length, bytes } of parts) {
        bytes.set(row.subarray(at, at + length), i * length);
        at += length;
      }
      labels.push(Number(new DataView(row.buffer).getBigInt64(at, true)));
    }
    const feeds: Record<string, Value> = {};
    inputs.forEach(({ name, dtype, dims }, index) => {
      const { buffer } = parts[index]!.bytes;
      const data = dtype === "float32" ? new Float32Array(buffer) : new BigInt64Array(buffer);
      feeds[name] = { dtype, dims: [size, ...dims], data };
    });
    return { feeds, labels };
  }
}
