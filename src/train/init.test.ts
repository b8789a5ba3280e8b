import { expect, it } from "vitest";
import { graphBuilder, makeModel } from "../ir/build.js";
import type { Initializer } from "../ir/model.js";
import { float32 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import { freshWeights, INITS, type Init } from "./init.js";
import type { Prepared } from "./prepared.js";

const DIMS: Readonly<Record<string, readonly number[]>> = {
  table: [50, 32],
  kernel: [16, 8, 3, 3],
  "kernel.bias": [16],
  scale: [16],
  shift: [16],
  mean: [16],
  variance: [16],
  behind: [40, 64],
  slope: [16, 1, 1],
  added: [40],
};

/** Weights of every role; `behind` reaches its product through a Transpose: 64 inputs, 40 outputs. */
function example(): { prepared: Prepared; restored: Map<string, Value> } {
  const g = graphBuilder();
  for (const [name, dims] of Object.entries(DIMS))
    g.initializer(name, float32(dims, new Float32Array(dims.reduce((a, b) => a * b)).fill(9)));
  g.node("Gather", ["table", "ids"], { outputs: ["embedded"] });
  g.node("Conv", ["x", "kernel", "kernel.bias"], { outputs: ["c"] });
  g.node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], { outputs: ["n"] });
  g.node("PRelu", ["n", "slope"], { outputs: ["p"] });
  g.node("Transpose", ["behind"], { outputs: ["turned"], attributes: { perm: [1, 0] } });
  g.node("MatMul", ["embedded2", "turned"], { outputs: ["m"] });
  g.node("Add", ["m", "added"], { outputs: ["y"] });
  const graph = g.graph();
  const shapes = new Map(
    Object.entries({ ...DIMS, turned: [64, 40] }).map(([name, dims]) => [name, { dtype: "float32", dims }] as const),
  );
  const restored = new Map<string, Value>();
  const names = Object.keys(DIMS).filter((name) => !["mean", "variance"].includes(name));
  const model = makeModel(graph);
  const prepared: Prepared = {
    model,
    shapes,
    batch: 4,
    inputs: ["x", "ids"],
    weights: names.map((name) => ({ name, source: name, dims: DIMS[name]! })),
    statistics: [{ node: graph.nodes[2]!, mean: "mean", variance: "variance", momentum: 0.9 }],
    heads: [],
    notes: [],
    async restore(values) {
      for (const [name, value] of values) restored.set(name, value);
      return model;
    },
  };
  return { prepared, restored };
}

const values = async (prepared: Prepared, name: string) => {
  const bytes = await (
    prepared.model.graph.initializers.get(name) as Exclude<Initializer, { sparse: object }>
  ).data.read();
  return new Float32Array(bytes.slice().buffer);
};
const deviation = (list: Float32Array) => Math.sqrt(list.reduce((sum, x) => sum + x * x, 0) / list.length);

it.each([
  ["kaiming", Math.sqrt(6 / 72), Math.sqrt(6 / 64)],
  ["xavier", Math.sqrt(6 / (72 + 144)), Math.sqrt(6 / 104)],
] as const)(
  "%s is uniform within its bound, by inputs and outputs of the operator behind",
  async (init, kernel, behind) => {
    const { prepared } = freshWeights(example().prepared, { init, seed: 1 });
    for (const [name, bound] of [
      ["kernel", kernel],
      ["behind", behind],
    ] as const) {
      const drawn = await values(prepared, name);
      const largest = drawn.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.97 * bound);
      expect(deviation(drawn)).toBeCloseTo(bound / Math.sqrt(3), 2);
    }
  },
);

it.each(INITS)("%s: biases 0, norms 1 and statistics 0 and 1, whatever is asked", async (init: Init) => {
  const { prepared, notes } = freshWeights(example().prepared, { init, seed: 1 });
  const all = async (name: string) => [...new Set(await values(prepared, name))];
  expect(await all("kernel.bias")).toEqual([0]);
  expect(await all("added")).toEqual([0]);
  expect(await all("scale")).toEqual([1]);
  expect(await all("shift")).toEqual([0]);
  expect(await all("slope")).toEqual([0.25]);
  expect(await all("mean")).toEqual([0]);
  expect(await all("variance")).toEqual([1]);
  expect(deviation(await values(prepared, "table"))).toBeCloseTo(init === "zeros" ? 0 : 0.02, 3);
  if (init === "normal") expect(deviation(await values(prepared, "kernel"))).toBeCloseTo(0.02, 3);
  if (init === "zeros") expect(await all("behind")).toEqual([0]);
  expect(notes[0]!.text).toContain(init);
});

it("depends on the seed, draws each weight by itself, and restores what training left alone", async () => {
  const { prepared, restored } = example();
  const drawn = freshWeights(prepared, { init: "kaiming", seed: 5 }).prepared;
  const again = freshWeights(prepared, { init: "kaiming", seed: 5, only: new Set(["behind"]) }).prepared;
  const other = freshWeights(prepared, { init: "kaiming", seed: 6 }).prepared;
  expect(await values(again, "behind")).toEqual(await values(drawn, "behind"));
  expect(await values(other, "behind")).not.toEqual(await values(drawn, "behind"));
  expect([...new Set(await values(again, "kernel"))]).toEqual([9]);
  const trained: Value = { dtype: "float32", dims: [40], data: new Float32Array(40).fill(3) };
  await drawn.restore(new Map([["added", trained]]));
  expect(restored.get("added")).toBe(trained);
  expect([...(restored.get("variance")!.data as Float32Array)]).toEqual(Array(16).fill(1));
});
