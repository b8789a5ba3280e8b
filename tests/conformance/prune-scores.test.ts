// Every listed score on a small network with labels: what it declares is enough for it, and what it gives can be ranked.

import { expect, it } from "vitest";
import { graphBuilder } from "../../src/ir/build.js";
import type { Group, Place } from "../../src/prune/group/group.js";
import { scores } from "../../src/prune/scores/index.js";
import { openScores } from "../../src/prune/scores/open.js";
import { toFloat16 } from "../../src/tensor/float16.js";
import { random } from "../../src/tensor/random.js";
import { float32, tensor } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { labelledContext } from "../support/labelled-context.js";

const UNITS = 6;

/** Conv, BatchNormalization, Relu, a depthwise Conv, pooling, a product: weights in float32 and one in float16. */
function network() {
  const draws = random(2);
  const drawn = (count: number) => Float32Array.from({ length: count }, () => draws.normal() * 0.4);
  const g = graphBuilder();
  const x = g.input("x", "float32", ["n", 2, 6, 6]);
  const w = (name: string, dims: readonly number[]) =>
    g.initializer(name, float32(dims, drawn(dims.reduce((a, b) => a * b, 1))));
  g.node("Conv", [x, w("w", [UNITS, 2, 3, 3])], { outputs: ["c"], attributes: { kernel_shape: [3, 3] } });
  const ones = (name: string) => g.initializer(name, float32([UNITS], new Float32Array(UNITS).fill(1)));
  const normal = ["c", w("gamma", [UNITS]), w("beta", [UNITS]), w("mean", [UNITS]), ones("variance")];
  g.node("BatchNormalization", normal, { outputs: ["n"] });
  g.node("Relu", ["n"], { outputs: ["r"] });
  const depthwise = { group: UNITS, kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  g.node("Conv", ["r", w("d", [UNITS, 1, 3, 3])], { outputs: ["e"], attributes: depthwise });
  g.node("Flatten", [g.node("GlobalAveragePool", ["e"], { outputs: ["p"] })], { outputs: ["f"] });
  const half = g.initializer("v", tensor("float16", [UNITS, 3], toFloat16(drawn(UNITS * 3))));
  const wide = g.node("Cast", [half], { outputs: ["wide"], attributes: { to: 1 } });
  g.node("MatMul", ["f", wide], { outputs: ["y"] });
  g.output("y", "float32", ["n", 3]);
  return g.model();
}

const positions = Int32Array.from({ length: UNITS }, (_, at) => at);
const place = (value: string, axis: number, role: Place["role"]): Place => ({
  value,
  axis,
  role,
  constant: role !== "value",
  perUnit: 1,
  positions,
});
const group: Group = {
  name: "w",
  kind: "filter",
  units: UNITS,
  obstacle: undefined,
  places: [
    place("w", 0, "output"),
    place("c", 1, "value"),
    place("gamma", 0, "vector"),
    place("beta", 0, "vector"),
    place("mean", 0, "vector"),
    place("variance", 0, "vector"),
    place("n", 1, "value"),
    place("r", 1, "value"),
    place("d", 0, "output"),
    place("e", 1, "value"),
    place("p", 1, "value"),
    place("f", 1, "value"),
    place("v", 0, "input"),
  ],
};

const draws = random(3);
const samples = Array.from({ length: 12 }, (): Feeds => {
  const data = Float32Array.from({ length: 72 }, () => draws.normal());
  return { x: { dtype: "float32", dims: [1, 2, 6, 6], data } };
});
const labels = samples.map((_, at) => at % 3);

it.each(scores.names)("%s", async (name) => {
  const score = scores.get(name);
  const ranks = async () => {
    const options = { seed: 5, groups: [group] };
    const opened = await openScores(network(), ["w", "d", "v"], score, options, labelledContext(samples, labels));
    try {
      expect(opened.groupObstacle(group)).toBeUndefined();
      const found: number[][] = [[...(await opened.unit(group))]];
      for (const weight of ["w", "d", "v"]) {
        expect(opened.obstacle(weight) === undefined).toBe(score.element !== undefined);
        if (score.element) found.push([...(await opened.element(weight))]);
      }
      return found;
    } finally {
      await opened.release();
    }
  };
  const found = await ranks();
  expect(found.map(({ length }) => length)).toEqual(score.element ? [6, 108, 54, 18] : [6]);
  for (const one of found) {
    expect(one.every((value) => Number.isFinite(value) && value >= 0 && !Object.is(value, -0))).toBe(true);
    expect(new Set(one).size).toBeGreaterThan(1);
  }
  expect(await ranks()).toEqual(found);
  expect(score.reference).toMatch(/^https:/);
});
