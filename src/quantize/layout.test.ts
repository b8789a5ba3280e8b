// Blocks lie within one matrix of a batch, or are none.

import { expect, it } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { float32 } from "../tensor/tensor.js";
import { formats } from "./formats/index.js";
import { blockLayout } from "./layout.js";
import { collectWeights } from "./weights.js";

const layout = (dims: readonly number[], block: number) => {
  const b = graphBuilder();
  b.input("x", "float32", [...dims.slice(0, -2), 4, dims.at(-2)!]);
  b.initializer("w", float32(dims, new Float32Array(dims.reduce((all, dim) => all * dim, 1))));
  b.output(b.node("MatMul", ["x", "w"]));
  const [weight] = collectWeights(b.model());
  return blockLayout(weight!, { block, format: formats.get("int4"), symmetric: true });
};

it("cuts a batch of matrices where each ends", () => {
  expect(layout([3, 64, 20], 32)).toMatchObject({ along: "rows", rows: 192, block: 32 });
  expect(layout([3, 48, 20], 32)).toMatchObject({ along: "rows", rows: 144, block: 16 });
  expect(layout([3, 40, 20], 32)).toEqual({ obstacle: "its matrices of 40 rows are no whole blocks" });
});

it("pads the last block of a single matrix", () => {
  expect(layout([40, 20], 32)).toMatchObject({ rows: 40, block: 32 });
  expect(layout([1, 40, 20], 32)).toMatchObject({ rows: 40, block: 32 });
  expect(layout([8, 20], 32)).toEqual({ obstacle: "its rows are too short for blocks" });
});
