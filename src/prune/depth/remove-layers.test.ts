// Blocks that are found, and those that are none; the result against the model whose blocks add zero, made apart.

import { expect, test } from "vitest";
import { model as made, value, weight } from "../../../tests/support/proved.js";
import { expectSameResults } from "../../../tests/support/same-results.js";
import { services } from "../../../tests/support/services.js";
import { stepContext } from "../../../tests/support/step-context.js";
import { matrix } from "../../../tests/support/transformer-blocks.js";
import { run } from "../../engine/run.js";
import type { GraphBuilder } from "../../ir/build.js";
import { makeNode } from "../../ir/build.js";
import { label, type Model } from "../../ir/model.js";
import { float32, int64 } from "../../tensor/tensor.js";
import { removeLayers } from "./remove-layers.js";

const WIDTH = 32;
const norm = (b: GraphBuilder, x: string, seed: number) =>
  b.node("LayerNormalization", [
    x,
    b.initializer(`g${seed}`, weight([WIDTH], seed)),
    b.initializer(`b${seed}`, weight([WIDTH], seed + 1)),
  ]);
const linear = (b: GraphBuilder, x: string, seed: number, from = WIDTH, to = WIDTH) =>
  b.node("MatMul", [x, b.initializer(`w${seed}`, matrix(from, to, seed))]);
/** Tanh form of Gelu in plain operators: holds a sum of x and what is made of x, which is no block. */
const gelu = (b: GraphBuilder, x: string) => {
  const cube = b.node("Mul", [b.node("Mul", [x, x]), x]);
  const inner = b.node("Add", [x, b.node("Mul", [cube, b.initializer(`${x}.c`, float32([], [0.044715]))])]);
  return b.node("Mul", [x, b.node("Tanh", [inner])]);
};
const add = (b: GraphBuilder, x: string, f: string, name: string) => b.node("Add", [x, f], { name, outputs: [name] });
const ffn = (b: GraphBuilder, x: string, name: string, seed: number) =>
  add(b, x, linear(b, gelu(b, linear(b, norm(b, x, seed), seed + 2)), seed + 3), name);
const attention = (b: GraphBuilder, x: string, seed: number) => {
  const h = norm(b, x, seed);
  const k = b.node("Transpose", [linear(b, h, seed + 3)], { attributes: { perm: [0, 2, 1] } });
  const weights = b.node("Softmax", [b.node("MatMul", [linear(b, h, seed + 2), k])], { attributes: { axis: -1 } });
  return b.node("MatMul", [weights, linear(b, h, seed + 4)]);
};

/** The same model with what these additions take as second input multiplied by zero. */
function silenced(model: Model, names: readonly string[]): Model {
  const nodes = model.graph.nodes.flatMap((node) => {
    if (!names.includes(label(node))) return [node];
    const [x, f] = node.inputs as [string, string];
    return [makeNode("Mul", [f, "nothing"], [`${f}.silent`]), { ...node, inputs: [x, `${f}.silent`] }];
  });
  const initializers = new Map([...model.graph.initializers, ["nothing", float32([], [0])] as const]);
  return { ...model, graph: { ...model.graph, nodes, initializers } };
}

const two = (second: number) =>
  made((b) => {
    b.input("x", "float32", [1, "n", WIDTH]);
    const x = add(b, "x", attention(b, "x", 10), "one");
    const y = ffn(b, x, "two", 20);
    const scaled = b.node("Mul", [attention(b, y, 30), b.initializer("small", float32([], [second]))]);
    b.output(ffn(b, add(b, y, scaled, "three"), "four", 40), "float32");
  });

const feeds = (rows = 5, seed = 9) => ({ x: value([1, rows, WIDTH], seed) });

test("the block of least influence goes, and the rest is the model with that block silent", async () => {
  const model = two(1e-4);
  const {
    model: result,
    table,
    notes,
  } = await removeLayers(model, { goal: { count: 1 } }, stepContext([feeds(), feeds(7, 3)]));
  expect(table.map(({ name, removed }) => [name, removed])).toEqual([
    ["one", false],
    ["two", false],
    ["three", true],
    ["four", false],
  ]);
  expect(notes.map(({ code }) => code)).toEqual(["synthetic-score", "removed-block", "removed"]);
  expect(table[2]!.elements).toBe(3 * WIDTH * WIDTH + 2 * WIDTH + 1);
  expect(result.graph.nodes.length).toBe(model.graph.nodes.length - 10);
  await expectSameResults(silenced(model, ["three"]), result, feeds(4, 5), 1e-6);
});

test("all blocks may go, the last of them an output that keeps its name", async () => {
  const model = two(1);
  const { model: result } = await removeLayers(
    model,
    { goal: { measure: "blocks", share: 0.99 }, score: "random" },
    stepContext([feeds()]),
  );
  expect(result.graph.nodes.filter(({ opType }) => opType === "Add").length).toBe(1 + 1);
  const all = await removeLayers(model, { goal: { count: 4 } }, stepContext([feeds()]));
  expect(all.model.graph.nodes.map(({ opType }) => opType)).toEqual(["Identity"]);
  await expectSameResults(silenced(model, ["one", "two", "three", "four"]), all.model, feeds());
  const more = await removeLayers(model, { goal: { count: 5 } }, stepContext([feeds()]));
  expect(more.notes.find(({ code }) => code === "goal-not-reached")?.text).toContain("4 of the 5 blocks");
});

test("influence is one minus the mean cosine of tokens", async () => {
  const model = two(1);
  const all = [feeds(), feeds(7, 3)];
  const { table } = await removeLayers(model, { goal: { count: 0 } }, stepContext(all));
  const inner = { ...model, graph: { ...model.graph, outputs: [{ name: "one" }] } };
  let [sum, count] = [0, 0];
  for (const one of all) {
    const x = one.x.data as Float32Array;
    const y = (await run(inner, one, services)).one!.data as Float32Array;
    for (let row = 0; row < x.length / WIDTH; row++) {
      let [dot, xx, yy] = [0, 0, 0];
      for (let i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
        dot += x[i]! * y[i]!;
        xx += x[i]! ** 2;
        yy += y[i]! ** 2;
      }
      sum += dot / Math.sqrt(xx * yy);
      count++;
    }
  }
  expect(count).toBe(12);
  expect(table[0]!.score).toBeCloseTo(1 - sum / count, 5);
});

test("distance of outputs is that of the model without the block", async () => {
  const model = two(0.5);
  const { table } = await removeLayers(model, { goal: { count: 0 }, score: "output" }, stepContext([feeds()]));
  const whole = (await run(model, feeds(), services)).four!.data as Float32Array;
  for (const { name, score } of table) {
    const other = (await run(silenced(model, [name]), feeds(), services)).four!.data as Float32Array;
    let [error, length] = [0, 0];
    whole.forEach((x, i) => {
      error += (x - other[i]!) ** 2;
      length += x * x;
    });
    expect(score).toBeCloseTo(Math.sqrt(error / length), 4);
  }
});

test("layers hold attention and what stands behind it", async () => {
  const model = two(1);
  const options = { goal: { count: 1 }, unit: "layer", score: "weights" } as const;
  const { table, model: result } = await removeLayers(model, options, stepContext([feeds()]));
  expect(table.map(({ name }) => name)).toEqual(["one", "three"]);
  const gone = table[0]!.removed ? ["one", "two"] : ["three", "four"];
  await expectSameResults(silenced(model, gone), result, feeds(), 1e-6);
});

test("shares of work and bytes are of the whole model", async () => {
  const model = two(1);
  const context = stepContext([feeds()]);
  for (const measure of ["macs", "bytes"] as const) {
    const { table } = await removeLayers(model, { goal: { measure, share: 0.3 }, score: "random" }, context);
    const total = table.reduce((sum, row) => sum + row[measure], 0);
    const gone = table.filter(({ removed }) => removed);
    const reached = gone.reduce((sum, row) => sum + row[measure], 0);
    expect(reached).toBeGreaterThanOrEqual(0.3 * total);
    expect(reached - Math.max(...gone.map((row) => row[measure]))).toBeLessThan(0.3 * total);
  }
});

test("what is kept says why", async () => {
  const model = made((b) => {
    b.input("x", "float32", ["n", WIDTH]);
    const a = add(b, linear(b, "x", 1), linear(b, b.node("Relu", [linear(b, "x", 2)]), 3), "projected");
    const shared = linear(b, a, 4);
    const c = add(b, a, linear(b, b.node("Relu", [shared]), 5), "shared");
    b.output(b.node("Tanh", [shared], { outputs: ["other"] }), "float32");
    const inner = b.node("Relu", [c]);
    const d = add(b, inner, linear(b, inner, 6), "inner");
    b.output(add(b, c, linear(b, d, 7), "outer"), "float32");
  });
  const one = { x: value([3, WIDTH]) };
  const { table, notes } = await removeLayers(model, { goal: { count: 9 } }, stepContext([one]));
  expect(Object.fromEntries(table.map(({ name, reason }) => [name, reason]))).toEqual({
    inner: undefined,
    projected: "both of its sides are computed: its shortcut changes the shape or has layers of its own",
    shared: 'what "MatMul:matmul_5" makes inside it is used elsewhere too',
    outer: 'it holds the block "inner"',
  });
  expect(notes.filter(({ code }) => code === "kept-block").length).toBe(3);
  const kept = await removeLayers(model, { goal: { count: 9 }, keep: ["w6"] }, stepContext([one]));
  expect(kept.model).toBe(model);
  expect(kept.table.find(({ name }) => name === "inner")?.reason).toBe("the option keep names it");
  const others = await removeLayers(model, { goal: { count: 9 }, only: ["w2"] }, stepContext([one]));
  expect(others.table.find(({ name }) => name === "inner")?.reason).toBe("the option only does not name it");
  await expect(removeLayers(model, { goal: { count: 1 }, keep: ["w66"] }, stepContext([one]))).rejects.toThrow("w66");
});

test("positions that are only as many as the tokens are no block; side by side blocks are two", async () => {
  const model = made((b) => {
    b.input("x", "float32", [1, "n", WIDTH]);
    const length = b.node("Slice", [
      b.node("Shape", ["x"]),
      b.initializer("from", int64([1], [1])),
      b.initializer("to", int64([1], [2])),
    ]);
    const zero = b.initializer("zero", int64([1], [0]));
    const rows = b.node("Slice", [b.initializer("positions", weight([64, WIDTH], 3)), zero, length, zero]);
    const x = add(b, "x", linear(b, rows, 1), "embedded");
    const h = norm(b, x, 10);
    const side = add(b, x, linear(b, h, 2), "left");
    b.output(add(b, side, linear(b, b.node("Relu", [h]), 3), "right"), "float32");
  });
  const { table, model: result } = await removeLayers(
    model,
    { goal: { count: 1 }, score: "random" },
    stepContext([feeds()]),
  );
  expect(table.map(({ name }) => name)).toEqual(["left", "right"]);
  const gone = table.flatMap(({ name, removed }) => (removed ? [name] : []));
  await expectSameResults(silenced(model, gone), result, feeds(), 1e-6);
});

test("after a norm behind the sum, the norm of what came in is left", async () => {
  const model = made((b) => {
    b.input("x", "float32", [1, "n", WIDTH]);
    const x = norm(b, add(b, "x", linear(b, "x", 1), "one"), 10);
    b.output(norm(b, add(b, x, linear(b, b.node("Relu", [x]), 2), "two"), 20), "float32");
  });
  const { model: result, notes } = await removeLayers(model, { goal: { count: 2 } }, stepContext([feeds()]));
  expect(notes.filter(({ text }) => text.includes("The normalisation")).length).toBe(2);
  expect(result.graph.nodes.map(({ opType }) => opType)).toEqual(["LayerNormalization", "LayerNormalization"]);
  await expectSameResults(silenced(model, ["one", "two"]), result, feeds(), 1e-6);
});
