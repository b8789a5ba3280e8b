// Blocks lie within one matrix of a batch; short rows have none unless they are asked for.

import { expect, it } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { float32 } from "../tensor/tensor.js";
import { collectWeights } from "../weights/weights.js";
import { blockCut, channelCut, scaleMatrix } from "./cut.js";

const weightOf = (dims: readonly number[]) => {
  const b = graphBuilder();
  b.input("x", "float32", [...dims.slice(0, -2), 4, dims.at(-2)!]);
  b.initializer("w", float32(dims, new Float32Array(dims.reduce((all, dim) => all * dim, 1))));
  b.output(b.node("MatMul", ["x", "w"]));
  return collectWeights(b.model())[0]!;
};
const cut = (dims: readonly number[], block: number, granularity: "auto" | "block" = "auto") =>
  blockCut(weightOf(dims), { block, granularity });

it("cuts a batch of matrices where each ends", () => {
  expect(cut([3, 64, 20], 32)).toMatchObject({ along: "rows", rows: 192, block: 32 });
  expect(cut([3, 48, 20], 32)).toMatchObject({ along: "rows", rows: 144, block: 24 });
  expect(cut([3, 40, 20], 32)).toMatchObject({ along: "rows", rows: 120, block: 20 });
  expect(cut([3, 37, 20], 32)).toEqual({ obstacle: "its rows are too short for blocks" });
});

it("leaves the last block of a single matrix short", () => {
  const single = cut([40, 20], 32);
  expect(single).toMatchObject({ rows: 40, block: 32 });
  expect("obstacle" in single ? [] : scaleMatrix(single)).toEqual([2, 20]);
  expect(cut([1, 40, 20], 32)).toMatchObject({ rows: 40, block: 32 });
  expect(cut([24, 20], 32)).toMatchObject({ rows: 24, block: 24 });
});

it("has blocks of short rows where they are asked for", () => {
  expect(cut([8, 20], 32)).toEqual({ obstacle: "its rows are too short for blocks" });
  expect(cut([8, 20], 32, "block")).toMatchObject({ rows: 8, block: 8 });
  expect(channelCut(weightOf([8, 20]))).toMatchObject({ along: "rows", rows: 8, columns: 20, block: 8 });
});
