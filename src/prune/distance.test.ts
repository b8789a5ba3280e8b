import { expect, test } from "vitest";
import { stepContext } from "../../tests/support/step-context.js";
import { graphBuilder } from "../ir/build.js";
import { float32 } from "../tensor/tensor.js";
import { distanceFrom } from "./distance.js";

/** y = x * w, and which of them a feed is. */
const scaled = (...w: number[]) => {
  const b = graphBuilder();
  b.output(b.node("Mul", [b.input("x", "float32", [2]), b.initializer("w", float32([2], w))]), "float32", [2]);
  b.output(b.node("Neg", ["x"]), "float32", [2]);
  return b.model();
};
const feed = (...x: number[]) => ({ x: { dtype: "float32" as const, dims: [2], data: Float32Array.from(x) } });

test("the squared error over the squared size of each output, in the mean of the outputs", async () => {
  const distance = distanceFrom(scaled(1, 2), stepContext([feed(1, 1), feed(3, 0)]));
  // The first output is (1, 2), (3, 0); it becomes (1, 0), (3, 0); the second stays.
  expect(await distance(scaled(1, 0))).toBeCloseTo(4 / 14 / 2, 6);
  expect(await distance(scaled(1, 2))).toBe(0);
});

test("what is not a number is the farthest, and a model is run once", async () => {
  const context = stepContext([feed(1, 1)]);
  let runs = 0;
  const runtime = () => {
    runs++;
    return context.runtime();
  };
  const distance = distanceFrom(scaled(1, 2), { ...context, runtime });
  const broken = scaled(Number.NaN, 1);
  expect(await distance(broken)).toBe(Number.POSITIVE_INFINITY);
  expect(await distance(broken)).toBe(Number.POSITIVE_INFINITY);
  expect(runs).toBe(2);
});
