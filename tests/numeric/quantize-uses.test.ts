// Weights that a model uses in more than one way, or oddly: every form must still be a valid model with the same results.

import { describe, expect, it } from "vitest";
import { int } from "../../src/ir/attributes.js";
import { graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Attribute } from "../../src/ir/model.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { float32 } from "../../src/tensor/tensor.js";
import { type Case, cases, normals, one, quantized, value, weight } from "../support/quantize-cases.js";
import { stepContext } from "../support/step-context.js";

/** Columns of very different sizes: scales along the wrong axis, or of the wrong index, would show. */
const uneven = (rows: number, columns: number) =>
  float32(
    [rows, columns],
    normals(rows * columns).map((x, at) => x * 1.05 ** (at % columns)),
  );

const DYNAMIC = { activations: "dynamic", reduceRange: true };

describe("integer products of a weight with two readings", () => {
  const readings: Record<string, Case> = {
    "a tied autoencoder": one(
      (b) => {
        b.initializer("w", uneven(48, 32));
        return b.node("MatMul", [b.node("MatMul", ["x", "w"]), b.node("Transpose", ["w"])]);
      },
      { x: value(3, 48) },
    ),
    "square, so that wrong scales would fit": one(
      (b) => {
        b.initializer("w", uneven(32, 32));
        return b.node("MatMul", [b.node("MatMul", ["x", "w"]), b.node("Transpose", ["w"])]);
      },
      { x: value(3, 32) },
    ),
    "rows looked up before": one(
      (b) => {
        b.initializer("w", uneven(32, 32));
        return b.node("MatMul", [b.node("Gather", ["w", "i"]), "w"]);
      },
      { i: { dtype: "int64", dims: [2], data: BigInt64Array.of(3n, 30n) } },
    ),
  };
  it.each(Object.entries(readings))("%s", async (_name, given) => {
    const { db, ops } = await quantized(given, DYNAMIC);
    expect(ops.filter((op) => op === "MatMulInteger")).toHaveLength(1);
    expect(db).toBeGreaterThan(28);
  });
});

it("gives both directions of an LSTM a scale when the tensor has one", async () => {
  const { db, ops } = await quantized(cases.LSTM!, { ...DYNAMIC, granularity: "tensor" });
  expect(ops).toContain("DynamicQuantizeLSTM");
  expect(db).toBeGreaterThan(20);
});

it.each([DYNAMIC, { weights: "int4", form: "native" }, { weights: "uint8", form: "native" }])(
  "leaves a valid model where nobody uses a Transpose of the weight: %o",
  async (options) => {
    const given = one(
      (b) => {
        b.initializer("w", weight(64, 48));
        b.node("Transpose", ["w"]);
        return b.node("MatMul", ["x", "w"]);
      },
      { x: value(3, 64) },
    );
    const { db } = await quantized(given, options);
    expect(db).toBeGreaterThan(14);
  },
);

it("raises the opset for the Slice that takes padding off blocks of 8 bits", async () => {
  const given = one((b) => b.node("MatMul", ["x", b.initializer("w", weight(72, 40))]), { x: value(3, 72) });
  const old = { ...given, model: { ...given.model, opsets: new Map([["", 9]]) } };
  const { model, db, ops } = await quantized(old, { weights: "uint8", form: "extract", granularity: "block" });
  expect(ops).toContain("Slice");
  expect(model.opsets.get("")).toBe(10);
  expect(db).toBeGreaterThan(36);
});

it("passes by attributes of a function that only its calls tell", async () => {
  const body = graphBuilder("embed");
  body.input("table", "float32");
  body.input("index", "int64");
  const axis: Attribute = { type: "reference", value: "axis", of: 2 };
  body.output(body.node("Gather", ["table", "index"], { attributes: { axis } }));
  const b = graphBuilder();
  b.input("i", "int64", [2]);
  b.initializer("w", weight(64, 48));
  b.output(b.node("Embed", ["w", "i"], { domain: "local", attributes: { axis: int(0) } }));
  const functions = [makeFunction("local", "Embed", body.graph(), { opset: 17, attributes: ["axis"] })];
  const model = b.model({ opset: 17, opsets: { local: 1 }, functions });
  const result = await quantizeStep.apply(model, quantizeStep.options.parse({}), stepContext());
  expect(result.notes.map(({ code }) => code)).toContain("nothing-quantized");
});

it("leaves an empty weight alone", async () => {
  const given = one(
    (b) => {
      b.initializer("w", weight(64, 48));
      b.initializer("nothing", float32([64, 0], []));
      return b.node("Concat", [b.node("MatMul", ["x", "nothing"]), b.node("MatMul", ["x", "w"])], {
        attributes: { axis: int(1) },
      });
    },
    { x: value(3, 64) },
  );
  const { db } = await quantized(given, { weights: "uint4", form: "native", minimum: 0 });
  expect(db).toBeGreaterThan(14);
});

it("keeps the default value of an input whose node goes", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [3, 64]);
  b.input("c", "float32", [48]);
  b.initializer("c", weight(48));
  b.initializer("w", weight(64, 48));
  // With beta 0 the bias has no part in the result.
  b.output(b.node("Gemm", ["x", "w", "c"], { attributes: { beta: { type: "float", value: 0 } } }));
  const options = quantizeStep.options.parse({ weights: "int4", form: "native" });
  const { model } = await quantizeStep.apply(b.model({ opset: 17 }), options, stepContext());
  expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(["MatMulNBits"]);
  expect(model.graph.initializers.has("c")).toBe(true);
});
