import { describe, expect, test } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { bindDims } from "../ir/dims.js";
import type { Shape } from "../ir/model.js";
import type { DType } from "../tensor/dtype.js";
import { random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import type { Feeds } from "../tensor/value.js";
import { smoothPicture, smoothSound } from "./smooth.js";
import { synthetic, syntheticFeeds } from "./synthetic.js";

function model(inputs: Readonly<Record<string, readonly [DType, Shape]>>) {
  const b = graphBuilder();
  for (const [name, [dtype, shape]] of Object.entries(inputs)) b.node("Identity", [b.input(name, dtype, shape)]);
  return b.model();
}
const draw = (m: ReturnType<typeof model>, stated = {}, index = 0) =>
  syntheticFeeds(m, bindDims(m, stated), random(5), index);
const numbers = (feeds: Feeds, name: string) => Array.from(feeds[name]!.data as ArrayLike<number | bigint>, Number);

test("a decoder's inputs fit each other, with and without a past", () => {
  const decoder = model({
    input_ids: ["int64", ["batch", "sequence_length"]],
    attention_mask: ["int64", ["batch", "total_sequence_length"]],
    position_ids: ["int64", ["batch", "sequence_length"]],
    "past_key_values.0.key": ["float32", ["batch", 2, "past_sequence_length", 4]],
    use_cache_branch: ["bool", [1]],
  });
  for (const past of [0, 6]) {
    const feeds = draw(decoder, { past_sequence_length: past, sequence_length: 3 });
    expect(numbers(feeds, "attention_mask")).toEqual(Array(past + 3).fill(1));
    expect(numbers(feeds, "position_ids")).toEqual([past, past + 1, past + 2]);
    expect(feeds["past_key_values.0.key"]!.dims).toEqual([1, 2, past, 4]);
    expect(numbers(feeds, "use_cache_branch")).toEqual([past > 0 ? 1 : 0]);
  }
});

test("a dataset for a decoder has samples with tokens in the cache and without", async () => {
  const decoder = model({ past_key: ["float32", [1, 2, "past", 4]], ids: ["int64", [1, "sequence"]] });
  const lengths: number[] = [];
  for await (const { feeds } of synthetic(decoder, { count: 4 }).samples()) lengths.push(feeds.past_key!.dims[2]!);
  expect(lengths).toEqual([8, 0, 8, 0]);
});

test("token ids stay inside the table that they look up, through casts and reshapes", () => {
  const b = graphBuilder();
  const table = b.initializer("table", float32([7, 2], new Float32Array(14)));
  const ids = b.node("Unsqueeze", [b.node("Cast", [b.input("ids", "int32", [1, 400])], { attributes: { to: 7 } })]);
  b.node("Gather", [table, ids]);
  const drawn = numbers(draw(b.model()), "ids");
  expect(Math.min(...drawn)).toBe(1);
  expect(Math.max(...drawn)).toBe(6);
});

test("by name: states, rates, lengths, segments, masks", () => {
  const speech = model({
    input: ["float32", [1, 576]],
    state: ["float32", [2, 1, 4]],
    sr: ["int64", []],
    input_lengths: ["int64", [1]],
    token_type_ids: ["int64", [1, 3]],
    pixel_mask: ["int64", [1, 2, 2]],
  });
  const first = draw(speech);
  expect(numbers(first, "sr")).toEqual([16000]);
  expect(numbers(first, "state")).toEqual(Array(8).fill(0));
  expect(numbers(draw(speech, {}, 1), "state").every((x) => x !== 0)).toBe(true);
  expect(numbers(first, "input_lengths")).toEqual([576]);
  expect(numbers(first, "token_type_ids")).toEqual([0, 0, 0]);
  expect(numbers(first, "pixel_mask")).toEqual([1, 1, 1, 1]);
  expect(Math.max(...numbers(first, "input").map(Math.abs))).toBeLessThanOrEqual(1);
});

describe("signals are smooth", () => {
  /** Mean square of the step between neighbours over the variance: 2 for white noise. */
  const roughness = (values: ArrayLike<number>) => {
    const list = Array.from(values);
    const mean = list.reduce((a, b) => a + b, 0) / list.length;
    const variance = list.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    let steps = 0;
    for (let i = 1; i < list.length; i++) steps += (list[i]! - list[i - 1]!) ** 2;
    return steps / variance;
  };

  test("pictures in 0..1, sound in -1..1, both with something in them", () => {
    const picture = smoothPicture(64, 64, random(1));
    expect(Math.min(...picture)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...picture)).toBeLessThanOrEqual(1);
    expect(Math.max(...picture) - Math.min(...picture)).toBeGreaterThan(0.3);
    expect(roughness(picture)).toBeLessThan(0.3);
    const sound = smoothSound(8000, random(1));
    expect(Math.max(...sound.map(Math.abs))).toBeGreaterThan(0.1);
    expect(Math.max(...sound.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(roughness(sound)).toBeLessThan(0.5);
  });

  test("both layouts of a picture, and bytes", () => {
    for (const dims of [
      [1, 3, 32, 24],
      [1, 32, 24, 3],
    ]) {
      const image = numbers(draw(model({ image: ["float32", dims] })), "image");
      expect(image.length).toBe(32 * 24 * 3);
      expect(Math.min(...image)).toBeGreaterThanOrEqual(-2.1);
      expect(Math.max(...image)).toBeLessThanOrEqual(2.6);
    }
    const bytes = numbers(draw(model({ image: ["uint8", [1, 32, 32, 3]] })), "image");
    expect(Math.max(...bytes)).toBeGreaterThan(100);
  });
});

test("parts share no sample, and are marked synthetic", async () => {
  const data = synthetic(model({ x: ["float32", [1, 8]] }), { count: 5, seed: 2 });
  const seen = new Set<string>();
  for (const part of [data, data.split("calibrate"), data.split("train"), data.split("measure")]) {
    expect(part).toMatchObject({ synthetic: true, labelled: false, size: 5 });
    for await (const { feeds } of part.samples()) seen.add(String(feeds.x!.data));
  }
  expect(seen.size).toBe(20);
});

test("types that cannot be made up are refused by name", () => {
  const odd = model({ weird: ["bfloat16", [1]] });
  expect(() => draw(odd)).toThrow(/bfloat16.*weird/);
});
