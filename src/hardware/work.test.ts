// Products, weights and activations of small graphs, counted by hand.

import { expect, test } from "vitest";
import { graphBuilder } from "../ir/build.js";
import type { Model } from "../ir/model.js";
import { float32, int64, tensor } from "../tensor/tensor.js";
import { graphWork, storedAs } from "./work.js";

const zeros = (dims: readonly number[]) => float32(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));

const shapesOf = (model: Model, more: Record<string, readonly number[]>) =>
  new Map([
    ...[...model.graph.initializers].map(([name, { dims }]) => [name, { dims }] as const),
    ...Object.entries(more).map(([name, dims]) => [name, { dims }] as const),
  ]);

test("a convolution with bias, and what stands around it", () => {
  const b = graphBuilder();
  b.input("x", "float32", [1, 3, 8, 8]);
  const w = b.initializer("w", zeros([4, 3, 3, 3]));
  b.node("Conv", ["x", w, b.initializer("b", zeros([4]))], {
    name: "conv",
    outputs: ["c"],
    attributes: { pads: [1, 1, 1, 1] },
  });
  b.node("Relu", ["c"], { outputs: ["r"] });
  b.node("Reshape", ["r", b.initializer("s", int64([2], [1, -1]))], { outputs: ["y"] });
  b.output("y", "float32", [1, 256]);
  const model = b.model();
  const work = graphWork(model, shapesOf(model, { x: [1, 3, 8, 8], c: [1, 4, 8, 8], r: [1, 4, 8, 8], y: [1, 256] }));
  expect(work).toEqual({
    layers: [{ name: "conv", op: "Conv", macs: 256 * 27, weights: 108 + 4, activations: 192 + 256 }],
    // Relu reads and writes 256; Reshape moves nothing.
    others: 512,
    uncounted: 0,
    inBodies: 0,
  });
});

test("what the runtime folds at load is a weight", () => {
  const b = graphBuilder();
  b.input("x", "float32", [2, 4]);
  const codes = b.initializer("codes", tensor("uint8", [4, 8], new Uint8Array(32)));
  const decoded = b.node(
    "Mul",
    [b.node("Cast", [codes], { outputs: ["f"], attributes: { to: 1 } }), b.initializer("k", zeros([1]))],
    {
      outputs: ["w"],
    },
  );
  b.node("MatMul", ["x", decoded], { name: "product", outputs: ["y"] });
  b.output("y", "float32", [2, 8]);
  const model = b.model();
  const shapes = shapesOf(model, { x: [2, 4], f: [4, 8], w: [4, 8], y: [2, 8] });
  expect(graphWork(model, shapes)).toMatchObject({
    layers: [{ name: "product", macs: 64, weights: 32, activations: 8 + 16 }],
    others: 0,
  });
});

test("packed weights count by code, a lookup by the rows it gives, a square by one read", () => {
  const b = graphBuilder();
  b.input("ids", "int64", [3]);
  const table = b.initializer("table", zeros([100, 16]));
  const rows = b.node("Gather", [table, "ids"], { outputs: ["rows"] });
  const packed = b.initializer("packed", tensor("uint8", [8, 1, 8], new Uint8Array(64)));
  b.node("MatMulNBits", [rows, packed, b.initializer("scales", zeros([8]))], {
    name: "nbits",
    domain: "com.microsoft",
    outputs: ["y"],
    attributes: { K: 16, N: 8, bits: 4, block_size: 16 },
  });
  b.node("MatMul", ["y", "y"], { name: "square", outputs: ["z"] });
  b.output("z", "float32", [3, 8]);
  const model = b.model();
  const work = graphWork(model, shapesOf(model, { ids: [3], rows: [3, 16], y: [3, 8], z: [3, 8] }));
  expect(work.layers).toEqual([
    { name: "nbits", op: "MatMulNBits", macs: 3 * 16 * 8, weights: 128, activations: 48 + 24 },
    { name: "square", op: "MatMul", macs: 3 * 8 * 8, weights: 0, activations: 24 + 24 },
  ]);
  expect(work.others).toBe(2 * 48);
});

test("missing shapes are counted, not guessed", () => {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", 4]);
  b.node("MatMul", ["x", b.initializer("w", zeros([4, 8]))], { outputs: ["y"] });
  b.output("y", "float32", ["batch", 8]);
  const model = b.model();
  expect(graphWork(model, shapesOf(model, {}))).toEqual({ layers: [], others: 0, uncounted: 1, inBodies: 0 });
});

test("a model is stored as what most of its weights are", () => {
  const graph = (large: "float16" | "float32" | "uint8") => {
    const b = graphBuilder();
    const data = { float16: new Uint16Array(64), float32: new Float32Array(64), uint8: new Uint8Array(64) }[large];
    b.initializer("large", tensor(large, [64], data));
    b.initializer("small", zeros([8]));
    return b.model().graph;
  };
  expect(storedAs(graph("float16"))).toBe("float16");
  expect(storedAs(graph("float32"))).toBe("float32");
  expect(storedAs(graph("uint8"))).toBe("float32");
});
