// Costs by hand.

import { expect, it } from "vitest";
import { type AttributeInput, int } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import { costOf, weightsOf } from "./index.js";
import { outputTypes } from "./types.js";

const cost = (
  opType: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  attributes: Readonly<Record<string, AttributeInput>> = {},
  domain = "",
) => {
  const inputs = Object.keys(shapes).filter((name) => !name.startsWith("y"));
  const outputs = Object.keys(shapes).filter((name) => name.startsWith("y"));
  const values = new Map(Object.entries(shapes).map(([name, dims]) => [name, { dims }] as const));
  return costOf(makeNode(opType, inputs, outputs, { attributes, domain }), values);
};

it("counts one multiplication for each weight that meets an activation", () => {
  expect(cost("Conv", { x: [1, 8, 10, 10], w: [16, 4, 3, 3], y: [1, 16, 10, 10] })).toBe(1600 * 36);
  expect(cost("ConvTranspose", { x: [1, 8, 5, 5], w: [8, 6, 2, 2], y: [1, 6, 10, 10] })).toBe(200 * 24);
  expect(cost("MatMul", { x: [2, 7, 32], w: [32, 5], y: [2, 7, 5] })).toBe(70 * 32);
  expect(cost("Gemm", { x: [32, 7], w: [5, 32], y: [7, 5] }, { transA: int(1), transB: int(1) })).toBe(35 * 32);
  expect(cost("Gather", { x: [100, 8], i: [3], y: [3, 8] })).toBe(0);
  expect(cost("LSTM", { x: [6, 2, 10], w: [1, 32, 10], r: [1, 32, 8], y: [6, 1, 2, 8] })).toBe(12 * (320 + 256));
  expect(cost("Einsum", { a: [2, 3, 4], b: [2, 4, 5], y: [2, 3, 5] }, { equation: "bij,bjk->bik" })).toBe(
    2 * 3 * 4 * 5,
  );
  expect(
    cost("MatMulNBits", { x: [3, 64], w: [16, 2, 16], y: [3, 16] }, { N: int(16), K: int(64) }, "com.microsoft"),
  ).toBe(3 * 64 * 16);
  expect(
    cost("MultiHeadAttention", { q: [1, 4, 8], k: [1, 6, 8], v: [1, 6, 8], y: [1, 4, 8] }, {}, "com.microsoft"),
  ).toBe(2 * 4 * 8 * 6);
  expect(cost("Relu", { x: [4], y: [4] })).toBeUndefined();
});

it("knows weights by their place", () => {
  const gemm = makeNode("Gemm", ["x", "w", "c"], ["y"], { attributes: { transB: int(1) } });
  expect(weightsOf(gemm).map(({ input, outputAxis }) => [input, outputAxis])).toEqual([
    [0, 0],
    [1, 0],
    [2, -1],
  ]);
  const axis = { type: "reference", value: "axis", of: 2 } as const;
  expect(weightsOf(makeNode("Gather", ["w", "i"], ["y"], { attributes: { axis } }))).toMatchObject([{ role: "table" }]);
  expect(weightsOf(makeNode("Conv", ["x", "w", ""], ["y"]))).toHaveLength(1);
  expect(weightsOf(makeNode("Conv", ["x", "w"], ["y"], { domain: "other" }))).toHaveLength(0);
});

it("derives element types without shapes", () => {
  const types = new Map<string, "float32" | "int64" | "float16">([
    ["f", "float32"],
    ["i", "int64"],
    ["h", "float16"],
  ]);
  const of = (opType: string, inputs: string[], outputs = ["y"], attributes = {}) =>
    outputTypes(makeNode(opType, inputs, outputs, { attributes }), (name) => types.get(name));
  expect(of("Gather", ["h", "i"])).toEqual(["float16"]);
  expect(of("Where", ["c", "f", "f"])).toEqual(["float32"]);
  expect(of("Cast", ["i"], ["y"], { to: int(1) })).toEqual(["float32"]);
  expect(of("LayerNormalization", ["h", "h"], ["y", "m", "s"])).toEqual(["float16", "float32", "float32"]);
  expect(of("TopK", ["f", "i"], ["v", "k"])).toEqual(["float32", "int64"]);
  expect(of("SequenceAt", ["s", "i"])).toEqual([undefined]);
  expect(of("ConstantOfShape", ["i"])).toEqual(["float32"]);
});
