// Scores of inputs and activations against loops in float64, and optimal brain surgeon against dense solutions.

import { expect, it } from "vitest";
import { graphBuilder } from "../../src/ir/build.js";
import type { Group, Place } from "../../src/prune/group/group.js";
import { scores } from "../../src/prune/scores/index.js";
import { openScores } from "../../src/prune/scores/open.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64 } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { labelledContext } from "../support/labelled-context.js";
import { stepContext } from "../support/step-context.js";

const draws = random(5);
const drawn = (count: number) => Array.from({ length: count }, () => Math.fround(draws.normal()));
const feed = (dims: readonly number[], values: readonly number[]): Feeds => ({
  x: { dtype: "float32", dims, data: Float32Array.from(values) },
});
const place = (value: string, axis: number, role: Place["role"], units: number, perUnit = 1): Place => ({
  value,
  axis,
  role,
  constant: role !== "value",
  perUnit,
  positions: Int32Array.from({ length: units * perUnit }, (_, at) => at),
});
const group = (name: string, units: number, places: readonly Place[]): Group => ({
  name,
  kind: "filter",
  units,
  obstacle: undefined,
  places,
});
const near = (values: Iterable<number>, digits = 4) => Array.from(values, (value) => expect.closeTo(value, digits));

it("Wanda is |w| times the root mean square of its input, groups of a convolution apart", async () => {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", 4, 3, 3]);
  const w = drawn(6 * 2);
  g.node("Conv", [x, g.initializer("w", float32([6, 2, 1, 1], w))], {
    outputs: ["y"],
    attributes: { group: 2, kernel_shape: [1, 1] },
  });
  g.output("y", "float32", ["n", 6, 3, 3]);
  const images = [drawn(36), drawn(36)].map((image) => image.map((value, at) => value * (1 + Math.floor(at / 9))));
  const context = stepContext(images.map((image) => feed([1, 4, 3, 3], image)));
  const wanda = await openScores(g.model(), ["w"], scores.get("wanda"), {}, context);
  const norm = (channel: number) => {
    let sum = 0;
    for (const image of images) for (let at = 0; at < 9; at++) sum += image[channel * 9 + at]! ** 2;
    return Math.sqrt(sum / 18);
  };
  const expected = w.map((value, at) => Math.abs(value) * norm((at >= 6 ? 2 : 0) + (at % 2)));
  expect([...(await wanda.element("w"))]).toEqual(near(expected));
  expect(wanda.notes.map(({ code }) => code)).toEqual(["score-data"]); // made-up data
});

it("Wanda finds the input of products in every form, and says where it cannot", async () => {
  const [rows, inputs] = [5, 3];
  const g = graphBuilder();
  const x = g.input("x", "float32", [rows, inputs]);
  const weight = (name: string, dims: readonly number[]) =>
    g.initializer(
      name,
      float32(
        dims,
        Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 1),
      ),
    );
  g.node("Gemm", [x, weight("right", [2, inputs])], { outputs: ["a"], attributes: { transB: 1 } });
  g.node("Gemm", [x, weight("first", [rows, 2])], { outputs: ["b"], attributes: { transA: 1 } });
  g.node("MatMul", [weight("left", [2, rows]), x], { outputs: ["c"] });
  const turned = g.node("Transpose", [weight("turned", [2, inputs])], { attributes: { perm: [1, 0] } });
  g.node("MatMul", [x, turned], { outputs: ["d"] });
  const index = g.initializer("i", int64([], [0]));
  g.node("Gather", [weight("table", [4, 2]), index], { outputs: ["e"] });
  for (const name of ["a", "b", "c", "d", "e"]) g.output(name, "float32");
  const values = drawn(rows * inputs);
  const names = ["right", "first", "left", "turned", "table"];
  const context = labelledContext([feed([rows, inputs], values)], [0]);
  const wanda = await openScores(g.model(), names, scores.get("wanda"), {}, context);
  const column = (i: number) => Math.sqrt(mean(values.filter((_, at) => at % inputs === i).map((one) => one * one)));
  const row = (i: number) => Math.sqrt(mean(values.slice(i * inputs, (i + 1) * inputs).map((one) => one * one)));
  const each = (count: number, of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i));
  const columns = each(inputs, column);
  const ofRows = each(rows, row);
  expect([...(await wanda.element("right"))]).toEqual(near([...columns, ...columns]));
  expect([...(await wanda.element("turned"))]).toEqual(near([...columns, ...columns]));
  expect([...(await wanda.element("first"))]).toEqual(near(ofRows.flatMap((one) => [one, one])));
  expect([...(await wanda.element("left"))]).toEqual(near([...ofRows, ...ofRows]));
  expect(wanda.obstacle("right")).toBeUndefined();
  expect(wanda.obstacle("table")).toMatch(/looked up/);
  await expect(wanda.element("table")).rejects.toMatchObject({ code: "score-unfit", node: "table" });
});

it("activations are those behind the activation function, all groups in one run", async () => {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", 2, 4, 4]);
  const [w, v] = [drawn(3 * 2), drawn(2 * 3)];
  g.node("Conv", [x, g.initializer("w", float32([3, 2, 1, 1], w)), g.initializer("b", float32([3], [0.5, -3, 0]))], {
    outputs: ["c"],
  });
  g.node("Relu", ["c"], { outputs: ["r"] });
  g.node("Conv", ["r", g.initializer("v", float32([2, 3, 1, 1], v))], { outputs: ["y"] });
  g.output("y", "float32", ["n", 2, 4, 4]);
  const images = [drawn(32), drawn(32), drawn(32)];
  const context = labelledContext(
    images.map((image) => feed([1, 2, 4, 4], image)),
    [0, 1, 0],
  );
  const hidden: number[][] = [[], [], []];
  for (const image of images) {
    for (let at = 0; at < 16; at++) {
      for (let o = 0; o < 3; o++) {
        const sum = [0.5, -3, 0][o]! + w[2 * o]! * image[at]! + w[2 * o + 1]! * image[16 + at]!;
        hidden[o]!.push(Math.max(sum, 0));
      }
    }
  }
  const one = group("w", 3, [
    place("w", 0, "output", 3),
    place("c", 1, "value", 3),
    place("r", 1, "value", 3),
    place("v", 1, "input", 3),
  ]);
  const last = group("v", 2, [place("v", 0, "output", 2), place("y", 1, "value", 2)]);
  const groups = [one, last];
  const activation = await openScores(g.model(), ["w", "v"], scores.get("activation"), { groups }, context);
  expect([...(await activation.unit(one))]).toEqual(near(hidden.map(mean)));
  expect(await activation.unit(last)).toHaveLength(2);
  const apoz = await openScores(g.model(), ["w", "v"], scores.get("apoz"), {}, context);
  const alive = hidden.map((values) => values.filter((value) => value > 0).length / values.length);
  expect([...(await apoz.unit(one))]).toEqual(near(alive));
  expect(alive.some((share) => share > 0.2 && share < 0.9)).toBe(true);
  expect(activation.obstacle("w")).toMatch(/channels/);
});

/** y = x w for w [inputs, outputs], inputs that hang together. */
function correlated(inputs: number, outputs: number, samples: number) {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", inputs]);
  const w = drawn(inputs * outputs);
  g.node("MatMul", [x, g.initializer("w", float32([inputs, outputs], w))], { outputs: ["y"] });
  g.output("y", "float32", ["n", outputs]);
  const rows = Array.from({ length: samples }, () => {
    const base = draws.normal();
    return Array.from({ length: inputs }, (_, i) =>
      Math.fround(base * (i % 3) * 0.7 + draws.normal() * (0.2 + i / inputs)),
    );
  });
  const context = labelledContext(
    rows.map((row) => feed([1, inputs], row)),
    rows.map(() => 0),
  );
  const gram = Array.from({ length: inputs }, (_, i) =>
    Array.from({ length: inputs }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
  const damping = 0.01 * mean(gram.map((row, i) => row[i]!));
  const hessian = gram.map((row, i) => row.map((value, j) => value + (i === j ? damping : 0)));
  /** Squared error of the outputs over their squared size. */
  const error = (values: ArrayLike<number>) => {
    let [lost, whole] = [0, 0];
    for (const row of rows) {
      for (let o = 0; o < outputs; o++) {
        const of = (one: (at: number) => number) =>
          row.reduce((sum, value, i) => sum + value * one(i * outputs + o), 0) ** 2;
        lost += of((at) => values[at]! - w[at]!);
        whole += of((at) => w[at]!);
      }
    }
    return lost / whole;
  };
  return { model: g.model(), w, context, hessian, error };
}

it("SparseGPT's score is w^2 over the diagonal of the inverse Hessian", async () => {
  const { model, w, context, hessian } = correlated(7, 3, 20);
  const opened = await openScores(model, ["w"], scores.get("sparsegpt"), {}, context);
  const found = await opened.element("w");
  const inverse = inverseOf(hessian);
  const expected = w.map((value, at) => value ** 2 / inverse[Math.floor(at / 3)]![Math.floor(at / 3)]!);
  for (const [at, one] of expected.entries()) expect(found[at]! / one).toBeCloseTo(1, 3);
  await opened.release();
});

it("one weight less is made good by those behind it, as least squares has it", async () => {
  const { model, w, context, hessian } = correlated(7, 1, 30);
  const opened = await openScores(model, ["w"], scores.get("sparsegpt"), {}, context);
  const { values, error } = await opened.solve!("w", { ratio: 1 / 7 });
  await opened.release();
  const gone = [...values.keys()].filter((at) => values[at] === 0);
  expect(gone).toHaveLength(1);
  const q = gone[0]!;
  // What it costs to remove one input when those behind it follow, which the least important by it was chosen by.
  const behind = Array.from({ length: 6 - q }, (_, at) => q + 1 + at);
  const among = inverseOf(behind.map((i) => behind.map((j) => hessian[i]![j]!)));
  for (let at = 0; at < q; at++) expect(values[at]).toBe(w[at]);
  for (const [row, i] of behind.entries()) {
    const change = behind.reduce((sum, j, column) => sum + among[row]![column]! * hessian[j]![q]!, 0) * w[q]!;
    expect(values[i]).toBeCloseTo(w[i]! + change, 4);
  }
  expect(error).toBeGreaterThan(0);
});

it("loses less than magnitude and Wanda, and finds as many zeros as it was asked for", async () => {
  const [inputs, outputs] = [140, 9];
  const { model, w, context, error } = correlated(inputs, outputs, 300);
  const sparsegpt = await openScores(model, ["w"], scores.get("sparsegpt"), {}, context);
  const zeros = (values: ArrayLike<number>) => Array.from(values).filter((value) => value === 0).length;
  for (const ratio of [0.3, 0.5, 0.77]) {
    const count = Math.round(ratio * w.length);
    const solved = await sparsegpt.solve!("w", { ratio });
    expect(zeros(solved.values)).toBe(count);
    expect(solved.error).toBeCloseTo(error(solved.values), 3);
    for (const name of ["l1", "wanda"]) {
      const plain = await openScores(model, ["w"], scores.get(name), {}, context);
      const found = await plain.element("w");
      const order = [...found.keys()].sort((a, b) => found[a]! - found[b]!);
      const masked = w.slice();
      for (const at of order.slice(0, count)) masked[at] = 0;
      expect(solved.error, `${name} at ${ratio}`).toBeLessThan(error(masked));
    }
  }
  const { values } = await sparsegpt.solve!("w", { keep: 2, of: 4 });
  for (let output = 0; output < outputs; output++) {
    for (let from = 0; from < inputs; from += 4) {
      expect(zeros([0, 1, 2, 3].map((at) => values[(from + at) * outputs + output]!))).toBe(2);
    }
  }
  await sparsegpt.release();
});

it("patterns of a convolution run along its channels, groups apart, and what is left at the end keeps its share", async () => {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", 12, 5, 5]);
  const w = g.initializer("w", float32([4, 6, 3, 3], drawn(4 * 6 * 9)));
  g.node("Conv", [x, w], { outputs: ["y"], attributes: { group: 2, kernel_shape: [3, 3], pads: [1, 1, 1, 1] } });
  g.output("y", "float32", ["n", 4, 5, 5]);
  const context = stepContext([drawn(300), drawn(300)].map((image) => feed([1, 12, 5, 5], image)));
  const opened = await openScores(g.model(), ["w"], scores.get("sparsegpt"), {}, context);
  const { values } = await opened.solve!("w", { keep: 2, of: 4 });
  for (let o = 0; o < 4; o++) {
    for (let tap = 0; tap < 9; tap++) {
      const along = [0, 1, 2, 3, 4, 5].map((channel) => values[(o * 6 + channel) * 9 + tap] === 0);
      expect(along.slice(0, 4).filter((zero) => zero)).toHaveLength(2);
      expect(along.slice(4)).toEqual([false, false]);
    }
  }
  const shared = await opened.solve!("w", { ratio: 0.5 });
  expect(shared.values.filter((value) => value === 0)).toHaveLength(108);
  await opened.release();
});

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Gauss and Jordan, with pivots. */
function inverseOf(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < size; i++) {
    let pivot = i;
    for (let j = i; j < size; j++) if (Math.abs(rows[j]![i]!) > Math.abs(rows[pivot]![i]!)) pivot = j;
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    const by = rows[i]![i]!;
    rows[i] = rows[i]!.map((value) => value / by);
    for (let j = 0; j < size; j++) {
      const factor = rows[j]![i]!;
      if (j !== i) rows[j] = rows[j]!.map((value, at) => value - factor * rows[i]![at]!);
    }
  }
  return rows.map((row) => row.slice(size));
}
