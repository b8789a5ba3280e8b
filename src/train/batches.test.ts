import { expect, test } from "vitest";
import { spiralCase, spirals } from "../../tests/support/train-case.js";
import type { Dataset, Sample } from "../data/dataset.js";
import { batchFeeds, firstBatch, openBatches } from "./batches.js";
import { joinFeeds } from "./collate.js";
import { inputsOf } from "./loop.js";
import { openSource } from "./source.js";

const numbers = (...data: number[]) =>
  ({ dtype: "float32", dims: [1, data.length], data: Float32Array.from(data) }) as const;
const sample = (id: string, feeds: Sample["feeds"]): Sample => ({ id, feeds });

test("samples are joined along their first axis; scalars are the same for all", () => {
  const rate = { dtype: "int64", dims: [], data: BigInt64Array.of(16000n) } as const;
  const texts = { dtype: "string", dims: [1], data: ["a"] } as const;
  const joined = joinFeeds([
    sample("one", { x: numbers(1, 2), rate, texts }),
    sample("two", { x: numbers(3, 4), rate, texts: { ...texts, data: ["b"] } }),
  ]);
  expect(joined).toEqual({
    x: { dtype: "float32", dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    rate,
    texts: { dtype: "string", dims: [2], data: ["a", "b"] },
  });
  const other = { ...rate, data: BigInt64Array.of(8000n) };
  expect(() => joinFeeds([sample("one", { rate }), sample("two", { rate: other })])).toThrow('scalar input "rate"');
  expect(() => joinFeeds([sample("one", { x: numbers(1) }), sample("two", {})])).toThrow('no value for the input "x"');
});

test("two more batches are begun while one is used, in order, and no others", async () => {
  const asked: number[] = [];
  const plain = spirals({ size: 40 });
  const data: Dataset = {
    ...plain,
    sample: (index, draw) => {
      if (draw) asked.push(draw.epoch);
      return plain.sample!(index);
    },
  };
  const { step } = await spiralCase();
  const source = await openSource(data, { seed: 1, budget: 0 });
  const batches = await openBatches(step, inputsOf(step), source, { lastBatch: "drop", seed: 1, name: "it" });
  expect(batches.perEpoch).toBe(5);
  asked.length = 0;
  await batches.ahead(3, 5);
  const all = await Promise.all([4, 5].map((number) => batches.ahead(number, 5)));
  expect(asked).toEqual([...Array(16).fill(0), ...Array(8).fill(1)]);
  // The same as made anew.
  expect(all[1]).toEqual(await batches.make(5));
});

test("the first batch is as long as the others, or refused", async () => {
  expect((await firstBatch(spirals(), 8)).x!.dims).toEqual([8, 2]);
  await expect(firstBatch(spirals({ size: 5 }), 8)).rejects.toMatchObject({ code: "data-too-small", found: "5" });
  expect((await firstBatch(spirals({ size: 5 }), 8, true)).x!.dims).toEqual([8, 2]);
});

test("samples of several rows count as such", async () => {
  const { step } = await spiralCase();
  const pair = (index: number): Sample => ({
    id: `pair ${index}`,
    feeds: { x: { dtype: "float32", dims: [2, 2], data: Float32Array.of(index, 0, index, 1) } },
    label: [index % 3, (index + 1) % 3],
  });
  const feeds = batchFeeds(step, inputsOf(step), [0, 1, 2].map(pair), 4);
  expect(feeds.x!.dims).toEqual([8, 2]);
  expect([...(feeds["pare.target"]!.data as Int32Array)]).toEqual([0, 1, 1, 2, 2, 0, 0, 1]);
  // The fourth sample is a repeated one that does not count.
  expect([...(feeds["pare.sample_weight"]!.data as Float32Array)]).toEqual([1, 1, 1, 1, 1, 1, 0, 0]);
  const odd: Dataset = {
    ...spirals(),
    async *samples() {
      yield { ...pair(0), feeds: { x: { dtype: "float32", dims: [3, 2], data: new Float32Array(6) } } };
    },
  };
  await expect(firstBatch(odd, 8)).rejects.toMatchObject({
    code: "batch-size",
    expected: expect.stringContaining("3"),
  });
});
