// New running statistics against their definition, computed here in float64 from the same batches.

import { expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { spiralModel, spirals } from "../../../tests/support/train-case.js";
import { capture } from "../../engine/capture.js";
import { float } from "../../ir/attributes.js";
import { graphBuilder } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { random } from "../../tensor/random.js";
import { float32 } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import { permutation } from "../../train/draws.js";
import { reestimateBatchNorm } from "./batch-norm.js";

const SIZE = 90;
const data = spirals({ size: SIZE });
const context = { ...stepContext(), data, seed: 11 };
const EPSILON = 0.01;

/** x [n, 2] -> 5 -> BatchNormalization -> Tanh -> 3 -> BatchNormalization, or only the first of them. */
function network(layers: 1 | 2): Model {
  const source = random(2);
  const drawn = (...dims: number[]) =>
    float32(
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.5 + source.normal()),
    );
  const g = graphBuilder();
  g.input("x", "float32", ["n", 2]);
  const norm = (value: string, i: number, channels: number) => {
    const names = ["scale", "shift", "mean", "variance"].map((kind) =>
      g.initializer(`${kind}${i}`, float32([channels], Array(channels).fill(kind === "variance" ? 1 : 0.5))),
    );
    return g.node("BatchNormalization", [value, ...names], { attributes: { epsilon: float(EPSILON) } });
  };
  const first = g.node("MatMul", ["x", g.initializer("w0", drawn(2, 5))], { outputs: ["a0"] });
  let last = norm(first, 0, 5);
  if (layers === 2) {
    last = norm(g.node("MatMul", [g.node("Tanh", [last]), g.initializer("w1", drawn(5, 3))]), 1, 3);
  }
  g.output(last, "float32", ["n", layers === 1 ? 5 : 3]);
  return g.model({ opset: 17 });
}

async function numbers(model: Model, name: string): Promise<number[]> {
  const found = model.graph.initializers.get(name)!;
  if (found.sparse) throw new Error(`${name} is sparse`);
  return [...new Float32Array((await found.data.read()).slice().buffer)];
}

/** Rows of x in the order in which batches take them. */
async function rows(): Promise<number[][]> {
  const order = permutation(SIZE, 11, 0);
  return Promise.all([...order].map(async (i) => [...((await data.sample!(i)).feeds.x!.data as Float32Array)]));
}

const column = (values: readonly number[][], c: number) => values.map((row) => row[c]!);
const meanOf = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
const varianceOf = (values: readonly number[]) => meanOf(values.map((one) => (one - meanOf(values)) ** 2));
const times = (values: readonly number[][], w: readonly number[], outputs: number) =>
  values.map((row) =>
    Array.from({ length: outputs }, (_, o) => row.reduce((sum, x, i) => sum + x * w[i * outputs + o]!, 0)),
  );

const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
};

async function* one(feeds: Feeds): AsyncIterable<Feeds> {
  yield feeds;
}

test("the first layer has the mean and variance of its input over the data, whatever the batches", async () => {
  const model = network(1);
  const x = { dtype: "float32" as const, dims: [SIZE, 2], data: Float32Array.from((await rows()).flat()) };
  const seen: number[][] = [];
  for await (const values of capture(model, ["a0"], one({ x }), context)) {
    const { data: all } = values.a0!;
    for (let at = 0; at < all.length; at += 5) seen.push([...(all as Float32Array).subarray(at, at + 5)]);
  }
  for (const batch of [10, 45, 90, 4096]) {
    const { model: renewed, notes } = await reestimateBatchNorm(model, context, { batch });
    close(
      await numbers(renewed, "mean0"),
      [0, 1, 2, 3, 4].map((c) => meanOf(column(seen, c))),
    );
    close(
      await numbers(renewed, "variance0"),
      [0, 1, 2, 3, 4].map((c) => varianceOf(column(seen, c))),
    );
    expect(notes).toMatchObject([{ code: "batch-norm-new" }]);
    expect(await numbers(renewed, "scale0")).toEqual(await numbers(model, "scale0"));
    expect(renewed.graph.nodes).toEqual(model.graph.nodes);
  }
});

test("a second layer has what it sees behind a first that is normalised by the batch", async () => {
  const model = network(2);
  const { model: renewed } = await reestimateBatchNorm(model, context, { batch: 30, samples: 75 });
  const [w0, w1] = [await numbers(model, "w0"), await numbers(model, "w1")];
  // 75 samples are two whole batches.
  const all = await rows();
  const inner: number[][] = [];
  for (const batch of [all.slice(0, 30), all.slice(30, 60)]) {
    const a = times(batch, w0, 5);
    const stats = [0, 1, 2, 3, 4].map((c) => [meanOf(column(a, c)), varianceOf(column(a, c))] as const);
    const hidden = a.map((row) =>
      row.map((value, c) => {
        const [mean, variance] = stats[c]!;
        return Math.tanh((0.5 * (value - mean)) / Math.sqrt(variance + EPSILON) + 0.5);
      }),
    );
    inner.push(...times(hidden, w1, 3));
  }
  close(
    await numbers(renewed, "mean1"),
    [0, 1, 2].map((c) => meanOf(column(inner, c))),
  );
  close(
    await numbers(renewed, "variance1"),
    [0, 1, 2].map((c) => varianceOf(column(inner, c))),
  );
});

test("a model without batch normalisation, and made-up data, change nothing", async () => {
  const plain = spiralModel();
  expect(await reestimateBatchNorm(plain, context)).toEqual({ model: plain, notes: [] });
  const model = network(1);
  const synthetic = { ...context, data: { ...data, synthetic: true } };
  const kept = await reestimateBatchNorm(model, synthetic);
  expect(kept.model).toBe(model);
  expect(kept.notes).toMatchObject([{ code: "batch-norm-kept" }]);
});
