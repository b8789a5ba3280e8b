import { expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { graphBuilder } from "../ir/build.js";
import { float32, int64 } from "../tensor/tensor.js";
import { capture } from "./capture.js";
import { type Binding, bindDims } from "./dims.js";
import { plainFeeds } from "./feeds.js";
import { observe } from "./observe.js";
import { settleDims } from "./settle.js";

const services = engineServices();
const shape = (dims: number[]) => int64([dims.length], dims);

test("observing keeps no more than a run does", async () => {
  // 24 values of 16 MB one after the other: kept to the end they would be 400 MB.
  const b = graphBuilder();
  let x = b.node("Expand", [b.input("x", "float32", [1]), b.initializer("size", shape([4 * 2 ** 20]))]);
  for (let i = 0; i < 24; i++) x = b.node(i % 2 ? "Tanh" : "Sigmoid", [x]);
  b.output(x, "float32");
  const small = graphBuilder();
  small.output(small.node("Relu", [small.input("x", "float32", [1])]), "float32");
  await observe(small.model(), {}, services);
  const before = process.resourceUsage().maxRSS;
  const seen = await observe(b.model(), {}, services);
  expect(seen.values.size).toBe(27);
  expect(seen.peakActivationBytes).toBe(2 * 16 * 2 ** 20);
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(200);
});

test("peak activations: two long-lived values and what runs meanwhile; weights do not count", async () => {
  const b = graphBuilder();
  const x = b.input("x", "float32", [10]);
  const kept = b.node("Relu", [x]);
  const w = b.initializer("w", float32([1000], new Float32Array(1000)));
  const folded = b.node("Neg", [w]);
  const wide = b.node("Expand", [b.node("Abs", [kept]), b.initializer("s", shape([100, 10]))]);
  const sum = b.node("ReduceSum", [wide], { attributes: { keepdims: 0 } });
  b.output(b.node("Add", [b.node("Add", [kept, sum]), b.node("ReduceSum", [folded])]), "float32");
  const seen = await observe(b.model(), {}, services);
  // kept (40) + its Abs (40) + wide (4000).
  expect(seen.peakActivationBytes).toBe(4080);
});

test("types that JavaScript cannot carry, scalars, empty values, sequences", async () => {
  const b = graphBuilder();
  const x = b.input("x", "float32", ["n", 4]);
  b.node("Cast", [x], { outputs: ["narrow"], attributes: { to: 16 } });
  b.node("Cast", ["narrow"], { outputs: ["wide"], attributes: { to: 1 } });
  b.node("ReduceMax", [x], { outputs: ["scalar"], attributes: { keepdims: 0 } });
  b.node("Slice", [x, b.initializer("zero", shape([0])), "zero"], { outputs: ["empty"] });
  b.node("SplitToSequence", [x], { outputs: ["parts"] });
  b.node("SequenceAt", ["parts", b.initializer("first", int64([], [0]))], { outputs: ["part"] });
  b.nodes("TopK", [x, b.initializer("k", shape([2]))], { outputs: ["largest", "indices"] });
  b.node("Cast", [x], { outputs: ["codes"], attributes: { to: 21 } });
  b.node("Equal", [x, x], { outputs: ["same"] });
  for (const name of ["wide", "scalar", "empty", "part", "indices", "same"]) b.output(name);
  const seen = await observe(b.model(), { dims: { n: 3 } }, services);
  const values = Object.fromEntries([...seen.values].filter(([name]) => !["zero", "first", "k"].includes(name)));
  expect(values).toEqual({
    x: { dtype: "float32", dims: [3, 4] },
    narrow: { dtype: "bfloat16", dims: [3, 4] },
    wide: { dtype: "float32", dims: [3, 4] },
    scalar: { dtype: "float32", dims: [] },
    empty: { dtype: "float32", dims: [0, 4] },
    part: { dtype: "float32", dims: [1, 4] },
    largest: { dtype: "float32", dims: [3, 2] },
    codes: { dtype: "uint4", dims: [3, 4] },
    indices: { dtype: "int64", dims: [3, 2] },
    same: { dtype: "bool", dims: [3, 4] },
  });
});

test("a wrong guess gives way to a size that the model takes, and the note says so", async () => {
  const b = graphBuilder();
  const flat = b.node("Reshape", [
    b.input("x", "float32", ["batch", "length"]),
    b.initializer("s", shape([-1, 128, 2])),
  ]);
  b.output(flat, "float32");
  const seen = await observe(b.model(), {}, services);
  expect(seen.feeds.x!.dims).toEqual([1, 256]);
  expect(seen.notes.map(({ text }) => text)).toContain("Dimension length is taken as 256: the model refuses 16.");
  // A stated size is not guessed around: the runtime's refusal is the answer.
  await expect(observe(b.model(), { dims: { length: 5 } }, services)).rejects.toMatchObject({ code: "engine-shape" });
});

test("height and width give way together", async () => {
  const b = graphBuilder();
  b.node("Relu", [b.input("x", "float32", [1, 3, "height", "width"])]);
  const tried: string[] = [];
  const makeFeeds = (binding: Binding) => plainFeeds(b.model(), binding);
  const { binding } = await settleDims(b.model(), {}, makeFeeds, async ({ x }) => {
    tried.push(x!.dims.slice(2).join("x"));
    const { PareError } = await import("../base/errors.js");
    if (x!.dims[2] !== 384) throw new PareError("no", { code: "engine-shape", kind: "failed" });
  });
  expect([...binding.shapes.values()]).toEqual([[1, 3, 384, 384]]);
  expect(tried.slice(0, 2)).toEqual(["224x224", "256x256"]);
});

test("captured names are checked, foreign types come as float32, generators are read once", async () => {
  const b = graphBuilder();
  const x = b.input("x", "float32", [2]);
  b.node("Cast", [x], { outputs: ["narrow"], attributes: { to: 16 } });
  b.output(b.node("Cast", ["narrow"], { outputs: ["y"], attributes: { to: 1 } }), "float32");
  const model = b.model();
  let made = 0;
  async function* feeds() {
    for (const value of [1, 1.01]) {
      made++;
      yield { x: { dtype: "float32" as const, dims: [2], data: Float32Array.of(value, -value) } };
    }
  }
  const records: Record<string, unknown>[] = [];
  for await (const record of capture(model, ["narrow", "x", "y"], feeds(), services, { budget: 1 })) {
    records.push(
      Object.fromEntries(Object.entries(record).map(([name, { data }]) => [name, [...(data as Float32Array)]])),
    );
  }
  const [one, rounded] = [1, 1.0078125];
  const raw = Math.fround(1.01);
  expect(records).toEqual([
    { narrow: [one, -one] },
    { narrow: [rounded, -rounded] },
    { x: [one, -one] },
    { x: [raw, -raw] },
    { y: [one, -one] },
    { y: [rounded, -rounded] },
  ]);
  expect(made).toBe(2);
  const none = capture(model, ["nothing"], feeds(), services)[Symbol.asyncIterator]();
  await expect(none.next()).rejects.toMatchObject({ code: "capture-unknown", node: "nothing" });
});

test("plain feeds: masks of ones, zeros elsewhere", () => {
  const b = graphBuilder();
  b.node("And", [b.input("attention_mask", "bool", ["n"]), b.input("y", "bool", ["n"])]);
  const feeds = plainFeeds(b.model(), bindDims(b.model(), { n: 2 }));
  expect(Object.values(feeds).map(({ data }) => [...data])).toEqual([
    [1, 1],
    [0, 0],
  ]);
});
