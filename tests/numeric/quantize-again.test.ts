// A model that was quantized before: what its weights are decoded with is left alone.

import { describe, expect, it } from "vitest";
import { compress } from "../../src/compress.js";
import { run } from "../../src/engine/run.js";
import { graphBuilder } from "../../src/ir/build.js";
import { int64 } from "../../src/tensor/tensor.js";
import { foldsAsFloat } from "../support/loaded-operators.js";
import { sqnr, value, weight } from "../support/quantize-cases.js";
import { services } from "../support/services.js";

const b = graphBuilder();
b.input("x", "float32", [3, 80]);
b.initializer("first", weight(80, 320));
b.initializer("second", weight(320, 64));
b.output(b.node("MatMul", [b.node("Relu", [b.node("MatMul", ["x", "first"])]), "second"]));
const model = b.model({ opset: 17 });
const feeds = { x: value(3, 80) };
const outputOf = async (given: typeof model) => Object.values(await run(given, feeds, services))[0]!;

const before = [
  { weights: "bfloat16" },
  { weights: "float16", compute: "stored", pack: "brotli" },
  { weights: "mxfp6e2m3" },
  { weights: "nvfp4" },
  { weights: "codebook", entries: 256 },
  { weights: "codebook", granularity: "channel", entries: 32, group: 20 },
  // Blocks of 64 in 80 rows: scales are spread by a Gather.
  { weights: "int6", block: 64, scales: "float32" },
] as const;

describe("a second quantize step", () => {
  it.each(before)("leaves the tables and scales of %o as they are", async (options) => {
    const one = await compress(model, [{ method: "quantize", only: ["first"], ...options }]);
    const reference = await outputOf(one.model);
    for (const again of [{ weights: "int8" }, { weights: "int4" }, { weights: "codebook", entries: 64 }] as const) {
      const two = await compress(one.model, [{ method: "quantize", ...again }]);
      const alone = await compress(one.model, [{ method: "quantize", only: ["second"], ...again }]);
      expect(two.notes.filter(({ code }) => code === "quantized-extract").map(({ node }) => node)).toEqual(["second"]);
      expect(sqnr(await outputOf(alone.model), await outputOf(two.model))).toBe(Number.POSITIVE_INFINITY);
      expect(sqnr(reference, await outputOf(two.model))).toBeGreaterThan(18);
    }
  });

  it.each([
    { weights: "int8" },
    { weights: "uint4" },
    { weights: "int3" },
    { weights: "nvfp4" },
    { weights: "nf4" },
  ] as const)("of float16 lets %o be decoded when the model loads", async ({ weights }) => {
    const one = await compress(model, [{ method: "quantize", weights, form: "extract" }]);
    const two = await compress(one.model, [{ method: "quantize", weights: "float16" }]);
    const plain = await compress(model, [{ method: "quantize", weights: "float16" }]);
    await foldsAsFloat(plain.model, two.model);
    expect(sqnr(await outputOf(one.model), await outputOf(two.model))).toBeGreaterThan(55);
  });

  it("still takes an embedding whose indices are constant", async () => {
    const table = graphBuilder();
    table.input("x", "float32", [2, 64]);
    table.initializer("table", weight(90, 64));
    table.initializer("places", int64([2], [3, 89]));
    table.output(table.node("Add", ["x", table.node("Gather", ["table", "places"])]));
    const { notes } = await compress(table.model({ opset: 17 }), [{ method: "quantize", weights: "int4" }]);
    expect(notes.map(({ code }) => code)).toContain("quantized-extract");
  });
});
