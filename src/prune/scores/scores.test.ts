// Scores of weights alone against their definitions, written out in loops.

import fc from "fast-check";
import { expect, it } from "vitest";
import { graphBuilder } from "../../ir/build.js";
import type { StepContext } from "../../step/step.js";
import { float32 } from "../../tensor/tensor.js";
import type { Group, Place } from "../group/group.js";
import { scores } from "./index.js";
import { lampOf, normalisations } from "./normalisations.js";
import { openScores } from "./open.js";
import type { ScoreOptions } from "./options.js";
import { reductions } from "./reductions.js";

const context = {} as StepContext;

/** x [2] -> w [2, 3] -> relu -> v [3, 2]. */
const W = [1, -2, 3, -4, 5, -0.5];
const V = [0.25, 1, -1, 2, 0, -3];
function network(w: readonly number[] = W, v: readonly number[] = V) {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", 2]);
  const hidden = g.node("MatMul", [x, g.initializer("w", float32([2, 3], w))], { outputs: ["hidden"] });
  const relu = g.node("Relu", [hidden], { outputs: ["relu"] });
  g.output(g.node("MatMul", [relu, g.initializer("v", float32([3, 2], v))], { outputs: ["y"] }), "float32", ["n", 2]);
  return g.model();
}
const place = (value: string, axis: number, role: Place["role"]): Place => ({
  value,
  axis,
  constant: role !== "value",
  role,
  perUnit: 1,
  positions: Int32Array.of(0, 1, 2),
});
const group: Group = {
  name: "w",
  kind: "hidden",
  units: 3,
  obstacle: undefined,
  places: [place("w", 1, "output"), place("hidden", 1, "value"), place("relu", 1, "value"), place("v", 0, "input")],
};

const opened = (name: string, options: ScoreOptions = {}, model = network()) =>
  openScores(model, ["w", "v"], scores.get(name), options, context);

it("scores elements by magnitude", async () => {
  expect([...(await (await opened("l1")).element("w"))]).toEqual([1, 2, 3, 4, 5, 0.5]);
  expect([...(await (await opened("l2")).element("w"))]).toEqual([1, 4, 9, 16, 25, 0.25]);
});

it("sums the slices of a unit and reduces over the group", async () => {
  const l1 = await opened("l1");
  const [out, into] = [
    [5, 7, 3.5],
    [1.25, 3, 3],
  ] as const;
  const each = (join: (a: number, b: number) => number) => out.map((score, unit) => join(score, into[unit]!));
  expect([...(await l1.unit(group, "sum"))]).toEqual(each((a, b) => a + b));
  expect([...(await l1.unit(group, "mean"))]).toEqual(each((a, b) => (a + b) / 2));
  expect([...(await l1.unit(group, "max"))]).toEqual(each(Math.max));
  expect([...(await l1.unit(group, "first"))]).toEqual(out);
  expect([...(await l1.unit(group, "product"))]).toEqual(each((a, b) => a * b));
  expect([...(await l1.unit(group, "l2"))]).toEqual(each(Math.hypot).map((one) => expect.closeTo(one, 12)));
  const l2 = await opened("l2");
  expect([...(await l2.unit(group, "first"))]).toEqual([17, 29, 9.25]);
});

it("knows units of several positions, and those that belong to none", async () => {
  const wide: Group = {
    ...group,
    units: 1,
    places: [{ ...place("w", 1, "output"), perUnit: 2, positions: Int32Array.of(2, 0) }],
  };
  expect([...(await (await opened("l1")).unit(wide))]).toEqual([1 + 3 + 4 + 0.5]);
});

it("LAMP is the square over the squares that are not smaller", async () => {
  const found = await (await opened("lamp")).element("w");
  for (const [at, value] of W.entries()) {
    let rest = 0;
    for (const other of W) if (Math.abs(other) >= Math.abs(value)) rest += other * other;
    expect(found[at]).toBeCloseTo((value * value) / rest, 6);
  }
  expect([...lampOf(Float32Array.of(0, 0, 0))]).toEqual([0, 0, 0]);
});

it("FPGM is the sum of the distances to the other slices", async () => {
  const column = (unit: number) => [W[unit]!, W[3 + unit]!];
  const expected = [0, 1, 2].map((unit) => {
    let sum = 0;
    for (let other = 0; other < 3; other++) {
      sum += Math.hypot(...column(unit).map((value, at) => value - column(other)[at]!));
    }
    return expect.closeTo(sum, 6);
  });
  const fpgm = await opened("fpgm");
  expect([...(await fpgm.unit(group, "first"))]).toEqual(expected);
  await expect(fpgm.element("w")).rejects.toMatchObject({ code: "score-unfit" });
});

it("the scale of batch normalisation counts without its sign", async () => {
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", 3]);
  const vector = (name: string, values: readonly number[]) => g.initializer(name, float32([3], values));
  const normal = [
    vector("gamma", [-2, 0, 0.5]),
    vector("beta", [9, 9, 9]),
    vector("m", [0, 0, 0]),
    vector("s", [1, 1, 1]),
  ];
  g.output(g.node("BatchNormalization", [x, ...normal], { outputs: ["y"] }), "float32", ["n", 3]);
  const bn = await openScores(g.model(), [], scores.get("bn-scale"), {}, context);
  expect([...(await bn.unit({ ...group, places: [place("gamma", 0, "vector"), place("beta", 0, "vector")] }))]).toEqual(
    [2, 0, 0.5],
  );
  const none = await opened("bn-scale");
  await expect(none.unit(group)).rejects.toMatchObject({ code: "score-unfit", message: /no batch normalisation/ });
});

it("chance depends on the seed and the name alone", async () => {
  const first = await opened("random", { seed: 1 });
  const again = await opened("random", { seed: 1 });
  const other = await opened("random", { seed: 2 });
  await again.element("v"); // in another order
  const drawn = await first.element("w");
  expect([...(await again.element("w"))]).toEqual([...drawn]);
  expect([...(await first.element("w"))]).toEqual([...drawn]);
  expect([...(await first.element("v"))]).not.toEqual([...drawn]);
  expect([...(await other.element("w"))]).not.toEqual([...drawn]);
  expect(await first.unit(group)).toHaveLength(3);
  expect([...(await first.unit(group))]).toEqual([...(await again.unit(group))]);
});

it("normalises within a weight and keeps its order", async () => {
  const sum = W.reduce((all, value) => all + Math.abs(value), 0);
  const middle = sum / W.length;
  const deviation = Math.sqrt(W.reduce((all, value) => all + (Math.abs(value) - middle) ** 2, 0) / W.length);
  const by: Record<string, number> = { none: 1, mean: middle, max: 5, sum, deviation, size: Math.sqrt(6) };
  for (const name of normalisations.names) {
    const found = await (await opened("l1", { normalise: name })).element("w");
    const order = [5, 0, 1, 2, 3, 4];
    expect([...found.keys()].sort((a, b) => found[a]! - found[b]!)).toEqual(order);
    if (name === "lamp") continue;
    expect([...found]).toEqual(W.map((value) => expect.closeTo(Math.abs(value) / by[name]!, 5)));
  }
  // Nothing to divide by.
  const zeros = network([0, -0, 0, 0, 0, 0]);
  for (const name of normalisations.names) {
    const found = await (await opened("l1", { normalise: name }, zeros)).element("w");
    expect(found.every((score) => Object.is(score, 0))).toBe(true);
  }
});

it("the score of a permuted weight is the permuted score", async () => {
  const numbers = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 6, maxLength: 6 });
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(numbers, order, async (values, moved) => {
      for (const name of ["l1", "l2", "lamp"]) {
        for (const normalise of ["none", "lamp", "max"]) {
          const found = await (await opened(name, { normalise }, network(values))).element("w");
          expect(found.every((score) => score >= 0 && Number.isFinite(score) && !Object.is(score, -0))).toBe(true);
          const permuted = moved.map((from) => values[from]!);
          const after = await (await opened(name, { normalise }, network(permuted))).element("w");
          expect([...after]).toEqual(moved.map((from) => found[from]));
        }
      }
    }),
    { numRuns: 50 },
  );
});

it("refuses weights that are not finite, by name", async () => {
  const broken = await opened("l1", {}, network([1, Number.NaN, 1, 1, 1, 1]));
  await expect(broken.element("w")).rejects.toMatchObject({ code: "weight-not-finite", node: "w" });
});

it("reductions of one member are that member", () => {
  for (const { name, apply } of reductions.list) {
    expect([...apply([Float64Array.of(1, 0, 3)])], name).toEqual([1, 0, 3]);
  }
});
