import { expect, test } from "vitest";
import { int } from "../../ir/attributes.js";
import { type GraphBuilder, graphBuilder } from "../../ir/build.js";
import type { Shape } from "../../ir/model.js";
import { float32 } from "../../tensor/tensor.js";
import { collectWeights } from "../../weights/weights.js";
import { rowsOf } from "./rows.js";

const weight = (...dims: number[]) => float32(dims, new Float32Array(dims[0]! * dims[1]!));

function rows(build: (b: GraphBuilder) => void) {
  const b = graphBuilder();
  b.initializer("w", weight(16, 16));
  build(b);
  const model = b.model();
  return rowsOf(collectWeights(model).find(({ name }) => name === "w")!, model);
}

const product = (shape: Shape | undefined, result?: Shape) =>
  rows((b) => b.output(b.node("MatMul", [b.input("x", "float32", shape), "w"]), "float32", result));

test("by the declared shape of the activations, or of the result", () => {
  expect(product([1, 1, 16])).toBe("few");
  expect(product([2, 4, 16])).toBe("few");
  expect(product([3, 3, 16])).toBe("many");
  expect(product([16])).toBe("few");
  expect(product(undefined, [1, 16])).toBe("few");
  expect(product(undefined, [64, 16])).toBe("many");
});

test("a symbol may stand for any number, numbers beside it count", () => {
  expect(product(["batch", 16])).toBe("unknown");
  expect(product([null, 16])).toBe("unknown");
  expect(product(["batch", 128, 16])).toBe("many");
  expect(product(undefined)).toBe("unknown");
  expect(product(["batch", 16], [4, 16])).toBe("few");
});

test("a Gemm that transposes has its rows last", () => {
  const gemm = (shape: Shape) =>
    rows((b) => b.output(b.node("Gemm", [b.input("x", "float32", shape), "w"], { attributes: { transA: int(1) } })));
  expect(gemm([16, 4])).toBe("few");
  expect(gemm([16, 40])).toBe("many");
  expect(gemm([16, "batch"])).toBe("unknown");
});

test("the product with most rows decides", () => {
  const two = (second: number) =>
    rows((b) => {
      b.output(b.node("MatMul", [b.input("x", "float32", [1, 16]), "w"]));
      b.output(b.node("MatMul", [b.input("y", "float32", [second, 16]), "w"]));
    });
  expect(two(2)).toBe("few");
  expect(two(20)).toBe("many");
});

test("a decoder with a cache takes one token at a time", () => {
  const decoder = (
    cache: string | undefined,
    length: string | number = "sequence",
    dtype: "int64" | "float32" = "int64",
  ) =>
    rows((b) => {
      const ids = b.input("input_ids", dtype, ["batch", length]);
      if (cache) b.output(b.node("Identity", [b.input(cache, "float32", ["batch", 4, "past_sequence_length", 8])]));
      b.initializer("table", weight(32, 16));
      const seen = dtype === "int64" ? b.node("Gather", ["table", ids]) : ids;
      b.output(b.node("MatMul", [seen, "w"]));
    });
  expect(decoder("past_key_values.0.key")).toBe("few");
  expect(decoder("past_0_k")).toBe("few");
  expect(decoder(undefined)).toBe("unknown");
  expect(decoder("mask")).toBe("unknown");
  // Frames of a stream, not tokens.
  expect(decoder("cache_last_channel", 80, "float32")).toBe("unknown");
});
