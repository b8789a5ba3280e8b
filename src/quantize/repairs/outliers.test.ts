// Planted outlier channels are found, multiplied in float, and the error falls; without any nothing changes.

import { expect, test } from "vitest";
import { expectSameResults } from "../../../tests/support/same-results.js";
import { services } from "../../../tests/support/services.js";
import { stepContext } from "../../../tests/support/step-context.js";
import { run } from "../../engine/run.js";
import { graphBuilder } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { random } from "../../tensor/random.js";
import { float32 } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import { quantizeStep } from "../quantize.js";
import { outliers } from "./outliers.js";

const K = 200;
const draw = random(4);
const numbers = (count: number) => Float32Array.from({ length: count }, () => draw.next() - 0.5);

/** x [6, K] through a MatMul and a Gemm (transposed weight) side by side. */
function network(): Model {
  const b = graphBuilder();
  const x = b.node("Identity", [b.input("x", "float32", [6, K])]);
  const left = b.node("MatMul", [x, b.initializer("w", float32([K, 16], numbers(16 * K)))]);
  const gemm = [
    x,
    b.initializer("v", float32([16, K], numbers(16 * K))),
    b.initializer("c", float32([16], numbers(16))),
  ];
  const right = b.node("Gemm", gemm, { attributes: { transB: 1 } });
  b.output(b.node("Concat", [left, right], { outputs: ["y"], attributes: { axis: 1 } }), "float32", [6, 32]);
  return b.model();
}

const feedsWith = (large: number) =>
  Array.from({ length: 4 }, (): Feeds => {
    const data = numbers(6 * K).map((value, at) => (at % K === 17 || at % K === 90 ? value * large : value));
    return { x: { dtype: "float32", dims: [6, K], data } };
  });

const model = network();
const step = (feeds: readonly Feeds[], options: object) =>
  quantizeStep.apply(model, quantizeStep.options.parse({ weights: "int8", ...options }), stepContext(feeds));

async function error(result: Model, feeds: Feeds): Promise<number> {
  const [a, b] = [await run(model, feeds, services), await run(result, feeds, services)];
  const [expected, found] = [a.y!.data as Float32Array, b.y!.data as Float32Array];
  return Math.sqrt(expected.reduce((sum, value, i) => sum + (value - found[i]!) ** 2, 0) / expected.length);
}

test("the split model computes the same", async () => {
  const feeds = feedsWith(60);
  const settings = { minimum: 256, outlierShare: 0.01, repair: ["outliers"] } as never;
  const result = await outliers.apply({ model, original: model, settings, context: stepContext(feeds) });
  expect(result.notes.filter(({ code }) => code === "outliers-float")).toHaveLength(2);
  expect(result.model.graph.nodes.filter(({ opType }) => opType === "Gather")).toHaveLength(1);
  await expectSameResults(model, result.model, feeds[0]!, 1e-5);
});

test.each([{ activations: "uint8" }, { activations: "dynamic" }])("%o: the error falls", async (options) => {
  const feeds = feedsWith(60);
  const plain = await step(feeds, { ...options, repair: ["none"] });
  const split = await step(feeds, { ...options, repair: ["outliers"] });
  expect(await error(split.model, feeds[0]!)).toBeLessThan((await error(plain.model, feeds[0]!)) / 4);
});

test("no outliers, none split; a small share holds fewer", async () => {
  const without = await step(feedsWith(1), { activations: "uint8", repair: ["outliers"] });
  expect(without.notes.map(({ code }) => code)).toContain("no-outliers");
  const few = await step(feedsWith(60), { activations: "uint8", repair: ["outliers"], outlierShare: 0.005 });
  expect(few.notes.map(({ code }) => code)).toContain("no-outliers");
});

test("weights alone have no outliers to keep", async () => {
  await expect(step(feedsWith(60), { repair: ["outliers"] })).rejects.toThrow(
    /outliers does nothing here: activations stay float/,
  );
});
