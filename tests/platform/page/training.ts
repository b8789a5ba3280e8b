// What the page and Node train alike: pictures of stripes in three directions.

import type { FinetuneOptions, FinetuneSettings } from "../../../src/index.js";

const SIZE = 12;

export const settings: FinetuneSettings = {
  steps: 5,
  batch: 8,
  optimizer: "adam",
  lr: 0.01,
  schedule: "constant",
  seed: 2,
};

export function stripes(): NonNullable<FinetuneOptions["data"]> {
  const samples = Array.from({ length: 48 }, (_, index) => {
    const label = index % 3;
    const [dx, dy] = [
      [1, 0],
      [0, 1],
      [1, 1],
    ][label]!;
    const data = Float32Array.from({ length: SIZE * SIZE }, (_value, at) => {
      const along = (at % SIZE) * dx! + Math.floor(at / SIZE) * dy!;
      return (along + index) % 4 < 2 ? 1 : -((at * 7 + index) % 5) / 4;
    });
    const value = { dtype: "float32", dims: [1, 1, SIZE, SIZE], data } as const;
    return { feeds: { x: value }, label, id: `picture ${index}` };
  });
  const part = (from: number, to: number) => ({
    name: "stripes",
    size: to - from,
    labelled: true,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = to - from }: { readonly limit?: number } = {}) {
      yield* samples.slice(from, Math.min(to, from + limit));
    },
    sample: async (index: number) => samples[from + index]!,
    split: (which: string) => (which === "train" ? part(0, 40) : part(40, 48)),
  });
  return part(0, 48);
}
