// Scores of gradients and curvature against formulas in float64, and against central differences through the runtime.

import { expect, it } from "vitest";
import type { Sample } from "../../src/data/dataset.js";
import { withSession } from "../../src/engine/session.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { scores } from "../../src/prune/scores/index.js";
import { openScores } from "../../src/prune/scores/open.js";
import type { ScoreOptions } from "../../src/prune/scores/options.js";
import { random } from "../../src/tensor/random.js";
import { float32 } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { labelledContext } from "../support/labelled-context.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

const [SAMPLES, INPUTS, CLASSES] = [10, 3, 4];
const draws = random(7);
const drawn = (count: number, scale = 1) => Array.from({ length: count }, () => Math.fround(draws.normal() * scale));
const W = drawn(INPUTS * CLASSES);
const X = Array.from({ length: SAMPLES }, () => drawn(INPUTS));
const LABELS = X.map(() => draws.int(CLASSES));

/** Logits: x W. */
function linear(): Model {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", INPUTS]);
  g.node("MatMul", [x, g.initializer("w", float32([INPUTS, CLASSES], W))], { outputs: ["y"] });
  g.output("y", "float32", ["n", CLASSES]);
  return g.model();
}
const feeds = (rows: readonly (readonly number[])[]): Feeds[] =>
  rows.map((row) => ({ x: { dtype: "float32", dims: [1, row.length], data: Float32Array.from(row) } }));

const context = (rows = X, labels: readonly NonNullable<Sample["label"]>[] = LABELS) =>
  labelledContext(feeds(rows), labels);

async function element(name: string, options: ScoreOptions = {}, given = context()): Promise<number[]> {
  const opened = await openScores(linear(), ["w"], scores.get(name), options, given);
  try {
    return [...(await opened.element("w"))];
  } finally {
    await opened.release();
  }
}

function probabilities(row: readonly number[]): number[] {
  const logits = Array.from({ length: CLASSES }, (_, k) =>
    row.reduce((sum, value, i) => sum + value * W[i * CLASSES + k]!, 0),
  );
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** d(mean cross-entropy of these samples)/dW, by its formula. */
function gradientOf(from: number, to: number): number[] {
  const found = new Array<number>(INPUTS * CLASSES).fill(0);
  for (let s = from; s < to; s++) {
    const p = probabilities(X[s]!);
    for (let i = 0; i < INPUTS; i++) {
      for (let k = 0; k < CLASSES; k++) {
        found[i * CLASSES + k]! += (X[s]![i]! * (p[k]! - (LABELS[s] === k ? 1 : 0))) / (to - from);
      }
    }
  }
  return found;
}
const near = (values: readonly number[], digits = 5) => values.map((value) => expect.closeTo(value, digits));

it("gradient, SNIP and Taylor are of the mean over all samples, however batches fall", async () => {
  const g = gradientOf(0, SAMPLES);
  for (const scoreBatch of [1, 4, 16]) {
    expect(await element("gradient", { scoreBatch })).toEqual(near(g.map(Math.abs)));
    expect(await element("snip", { scoreBatch })).toEqual(near(g.map((one, at) => Math.abs(one * W[at]!))));
  }
  expect(await element("taylor")).toEqual(near(g.map((one, at) => Math.abs(one * W[at]!))));
  expect(await element("gradient", { scoreSamples: 4 })).toEqual(near(gradientOf(0, 4).map(Math.abs)));
});

it("Fisher is of the squared gradient of each batch", async () => {
  const fisher = (each: number) => {
    const squares = new Array<number>(W.length).fill(0);
    for (let from = 0; from < SAMPLES; from += each) {
      const to = Math.min(SAMPLES, from + each);
      for (const [at, one] of gradientOf(from, to).entries()) squares[at]! += (one * one * (to - from)) / SAMPLES;
    }
    return squares.map((square, at) => (square * W[at]! ** 2) / 2);
  };
  expect(await element("fisher", { scoreBatch: 1 })).toEqual(near(fisher(1)));
  expect(await element("fisher", { scoreBatch: 4 })).toEqual(near(fisher(4)));
  expect(await element("fisher", { scoreBatch: 4 })).not.toEqual(near(fisher(1), 3));
});

it("the estimated curvature is exact where the Hessian is diagonal", async () => {
  // Mean squared error of x W, x one of the unit vectors times i + 1: the Hessian is diagonal.
  const rows = [0, 1, 2, 0].map((i) => [0, 1, 2].map((at) => (at === i ? i + 1 : 0)));
  const labels = rows.map(() => drawn(CLASSES));
  const given = labelledContext(
    feeds(rows),
    labels.map((data) => ({ dtype: "float32", dims: [1, CLASSES], data: Float32Array.from(data) })),
  );
  const found = await element("hessian", { scoreLoss: "mean-squared" }, given);
  const squares = [2 / 4, 4 / 4, 9 / 4];
  const expected = W.map((w, at) => (((2 / CLASSES) * squares[Math.floor(at / CLASSES)]!) / 2) * w * w);
  for (const [at, one] of expected.entries()) expect(Math.abs(found[at]! - one)).toBeLessThan(2e-3 * one + 1e-5);
});

it("the estimated curvature of a logistic model is near its diagonal", async () => {
  const exact = W.map((w, at) => {
    const [i, k] = [Math.floor(at / CLASSES), at % CLASSES];
    let sum = 0;
    for (const row of X) {
      const p = probabilities(row)[k]!;
      sum += (row[i]! ** 2 * p * (1 - p)) / SAMPLES;
    }
    return (sum * w * w) / 2;
  });
  const norm = (values: readonly number[]) => Math.hypot(...values);
  const found = await element("hessian", { scoreBatch: 1, seed: 3 });
  expect(norm(found.map((one, at) => one - exact[at]!)) / norm(exact)).toBeLessThan(0.35);
  expect(await element("hessian", { scoreBatch: 1, seed: 3 })).toEqual(found);
  expect(await element("hessian", { scoreBatch: 1, seed: 4 })).not.toEqual(found);
});

it("gradients of a convolutional network are those of central differences, filters by the sum before the magnitude", async () => {
  const own = random(11);
  const values = (count: number) => Array.from({ length: count }, () => Math.fround(own.normal() * 0.5));
  const filter = values(4 * 2 * 9);
  const [bias, matrix] = [values(4), values(4 * 3)];
  const network = (w: readonly number[]) => {
    const g = graphBuilder();
    const x = g.input("x", "float32", ["n", 2, 5, 5]);
    const parts = [g.initializer("w", float32([4, 2, 3, 3], w)), g.initializer("b", float32([4], bias))];
    g.node("Conv", [x, ...parts], { outputs: ["c"], attributes: { kernel_shape: [3, 3] } });
    const pooled = g.node("GlobalAveragePool", [g.node("Tanh", ["c"], { outputs: ["t"] })]);
    const flat = g.node("Flatten", [pooled]);
    g.node("MatMul", [flat, g.initializer("v", float32([4, 3], matrix))], { outputs: ["y"] });
    g.output("y", "float32", ["n", 3]);
    return g.model();
  };
  const images = Array.from({ length: 3 }, () => values(50));
  const labels = [2, 0, 1];
  const data = images.map(
    (image): Feeds => ({ x: { dtype: "float32", dims: [1, 2, 5, 5], data: Float32Array.from(image) } }),
  );
  const all: Feeds = { x: { dtype: "float32", dims: [3, 2, 5, 5], data: Float32Array.from(images.flat()) } };
  const loss = (w: readonly number[]) =>
    withSession(network(w), services, {}, async (session) => {
      const { y } = await session.run(all);
      return labels.reduce((sum, label, s) => {
        const row = [...(y!.data as Float32Array).subarray(3 * s, 3 * s + 3)];
        return sum + (Math.log(row.reduce((a, b) => a + Math.exp(b), 0)) - row[label]!) / 3;
      }, 0);
    });
  const opened = await openScores(network(filter), ["w"], scores.get("gradient"), {}, labelledContext(data, labels));
  const found = await opened.element("w");
  await opened.release();
  const slopes: number[] = [];
  const step = 0.02;
  for (let at = 0; at < filter.length; at += 5) {
    const moved = (by: number) => loss(filter.map((one, i) => (i === at ? one + by : one)));
    const slope = ((await moved(step)) - (await moved(-step))) / (2 * step);
    slopes.push(slope);
    expect(Math.abs(found[at]! - Math.abs(slope))).toBeLessThan(2e-4);
  }
  expect(Math.max(...slopes.map(Math.abs))).toBeGreaterThan(0.01);

  const taylor = await openScores(network(filter), ["w"], scores.get("taylor"), {}, labelledContext(data, labels));
  const positions = Int32Array.of(0, 1, 2, 3);
  const units = await taylor.unit({
    name: "w",
    kind: "filter",
    units: 4,
    obstacle: undefined,
    places: [{ value: "w", axis: 0, constant: true, role: "output", perUnit: 1, positions }],
  });
  await taylor.release();
  // Scaling a filter by 1 + t moves the loss by t times the sum of w g.
  for (let unit = 0; unit < 4; unit++) {
    const scaled = (by: number) => loss(filter.map((one, i) => (Math.floor(i / 18) === unit ? one * (1 + by) : one)));
    const slope = ((await scaled(step)) - (await scaled(-step))) / (2 * step);
    expect(Math.abs(units[unit]! - Math.abs(slope))).toBeLessThan(2e-4);
  }
});

it("says what it needs where there are no labels", async () => {
  const refused = { code: "score-data", hint: expect.stringMatching(/l2/) };
  const unlabelled = { ...context(), data: { ...context().data, synthetic: true } };
  await expect(element("taylor", {}, unlabelled)).rejects.toMatchObject(refused);
  const plain = stepContext(feeds(X), "any", 0).data;
  const bare = {
    ...plain,
    async *samples(options?: { limit?: number }) {
      for await (const { label: _, ...sample } of plain.samples(options)) yield sample;
    },
  };
  const none = { ...context(), data: { ...bare, split: () => bare } };
  await expect(element("fisher", {}, none)).rejects.toMatchObject(refused);
});

it("knows nothing of weights that no loss depends on, and says so", async () => {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", INPUTS]);
  g.node("MatMul", [x, g.initializer("w", float32([INPUTS, CLASSES], W))], { outputs: ["y"] });
  g.node("MatMul", [x, g.initializer("aside", float32([INPUTS, CLASSES], W))], { outputs: ["z"] });
  g.output("y", "float32", ["n", CLASSES]);
  g.output("z", "float32", ["n", CLASSES]);
  const opened = await openScores(g.model(), ["w", "aside"], scores.get("snip"), {}, context());
  expect(opened.obstacle("w")).toBeUndefined();
  expect(opened.obstacle("aside")).toMatch(/loss/);
  await expect(opened.element("aside")).rejects.toMatchObject({ code: "score-unfit", node: "aside" });
  await opened.release();
});
