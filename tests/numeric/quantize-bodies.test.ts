// Weights in bodies: of If, Loop and local functions, and of operators that fuse whole layers.

import { describe, expect, it } from "vitest";
import { graphAttribute, int } from "../../src/ir/attributes.js";
import { graphBuilder, makeFunction } from "../../src/ir/build.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { int64, type Tensor } from "../../src/tensor/tensor.js";
import { foldsAsFloat } from "../support/loaded-operators.js";
import { type Case, one, quantized, value, weight } from "../support/quantize-cases.js";
import { stepContext } from "../support/step-context.js";

describe("weights inside local functions", () => {
  const layer = () => {
    const body = graphBuilder("Layer");
    body.input("h", "float32");
    const constant = (value: Tensor, name: string) =>
      body.nodes("Constant", [], { outputs: [name], attributes: { value: { type: "tensor", value } } })[0]!;
    const product = body.node("MatMul", ["h", constant(weight(64, 64), "w")]);
    body.output(body.node("Add", [product, constant(weight(64), "bias")]));
    return makeFunction("local", "Layer", body.graph(), { opset: 17 });
  };
  const b = graphBuilder();
  b.input("x", "float32", [3, 64]);
  const first = b.node("Layer", ["x"], { domain: "local" });
  b.output(b.node("Layer", [b.node("Relu", [first])], { domain: "local" }));
  const given: Case = {
    model: b.model({ opset: 17, opsets: { local: 1 }, functions: [layer()] }),
    feeds: { x: value(3, 64) },
  };
  it.each([
    { weights: "int8", form: "extract", db: 34 },
    { weights: "int4", form: "extract", db: 12 },
    { weights: "float16", compute: "stored", db: 50 },
  ])("are stored packed there, and folded: $weights", async ({ db, ...options }) => {
    const made = await quantized(given, options);
    expect(made.db).toBeGreaterThan(db);
    const body = made.model.functions[0]!.nodes;
    expect(body.filter(({ opType }) => opType === "Cast").length).toBeGreaterThan(0);
    await foldsAsFloat(given.model, made.model);
  });
  it.each([
    [{ weights: "int4", form: "native" }, "MatMulNBits"],
    [{ weights: "nf4", form: "native" }, "MatMulBnb4"],
    [{ weights: "int8", form: "dequantize" }, "DequantizeLinear"],
    [{ weights: "int8", activations: "dynamic" }, "MatMulInteger"],
  ])("are read by operators of the function: %j", async (options, operator) => {
    const made = await quantized(given, options);
    expect(made.db).toBeGreaterThan(10);
    expect(made.model.functions[0]!.nodes.map(({ opType }) => opType)).toContain(operator);
  });
  it("are left alone, with all else, where they are not meant", async () => {
    const { notes, model } = await quantizeStep.apply(
      given.model,
      quantizeStep.options.parse({ keep: ["local:Layer"] }),
      stepContext(),
    );
    expect(model).toBe(given.model);
    expect(notes.map(({ text }) => text).join()).toContain("keep names it");
  });
});

describe("bodies of Loop, and fused operators", () => {
  const given: Record<string, Case> = {
    Loop: one(
      (b) => {
        b.initializer("outer", weight(64, 64));
        const body = graphBuilder("body", "body_");
        body.input("i", "int64", []);
        body.input("go", "bool", []);
        body.input("h", "float32", [3, 64]);
        body.initializer("inner", weight(64, 64));
        const sum = body.node("Add", [body.node("MatMul", ["h", "inner"]), body.node("MatMul", ["h", "outer"])]);
        body.output(body.node("Identity", ["go"]), "bool", []);
        body.output(sum, "float32", [3, 64]);
        b.initializer("times", int64([], [2]));
        return b.node("Loop", ["times", "", "x"], { attributes: { body: graphAttribute(body.graph()) } });
      },
      { x: value(3, 64) },
    ),
    Attention: one(
      (b) => {
        b.initializer("w", weight(64, 192));
        b.initializer("c", weight(192));
        return b.node("Attention", ["x", "w", "c"], { domain: "com.microsoft", attributes: { num_heads: int(4) } });
      },
      { x: value(1, 5, 64) },
    ),
  };
  it.each(Object.entries(given))("%s", async (name, one) => {
    const model = { ...one.model, opsets: new Map([...one.model.opsets, ["com.microsoft", 1]]) };
    for (const options of [{ weights: "int8" }, { weights: "int4", form: "extract" }]) {
      const made = await quantized({ ...one, model }, options);
      expect(made.db, name).toBeGreaterThan(options.weights === "int8" ? 30 : 9);
      await foldsAsFloat(model, made.model);
    }
    if (name !== "Loop") return;
    const native = await quantized({ ...one, model }, { weights: "int4", form: "native" });
    expect(native.ops.filter((op) => op === "MatMulNBits")).toHaveLength(2);
  });
});
