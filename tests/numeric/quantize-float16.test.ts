// float16 graphs on the engine: where Casts stand, what stays in float32, and what is refused.

import { describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { openSession } from "../../src/engine/session.js";
import { int } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import { assertValid } from "../../src/ir/verify.js";
import { operatorObstacle } from "../../src/quantize/half/rules.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { makeNode } from "../../src/quantize/rewrite.js";
import { float32 } from "../../src/tensor/tensor.js";
import { cases, normals, one, quantized, sqnr, value, weight } from "../support/quantize-cases.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

describe("float16", () => {
  it("computes in float16, in subgraphs too, between float32 borders", async () => {
    for (const name of ["MatMul", "Gemm", "Conv", "inside If"]) {
      const { model, db } = await quantized(cases[name]!, { weights: "float16" });
      expect(db).toBeGreaterThan(50);
      const stored = [...model.graph.initializers.values()].filter(({ dims }) => dims.length > 1);
      expect(stored.every(({ dtype }) => dtype === "float16")).toBe(true);
      expect(model.graph.inputs.find((input) => input.name === "x")?.type).toMatchObject({ dtype: "float32" });
    }
  });

  it("says so, and changes nothing, where no weight can become float16", async () => {
    const feeds = { x: value(1, 8) };
    const bare = one((b) => b.node("Relu", ["x"]), feeds);
    const huge = one((b) => b.node("MatMul", ["x", b.initializer("w", float32([8, 8], Array(64).fill(1e9)))]), feeds);
    for (const { model } of [bare, huge]) {
      const parsed = quantizeStep.options.parse({ weights: "float16" });
      const made = await quantizeStep.apply(model, parsed, stepContext([feeds]));
      expect(made.model).toBe(model);
      expect(made.notes.map(({ code }) => code)).toContain("nothing-quantized");
      // Who asks for float16 inputs gets them.
      const io = quantizeStep.options.parse({ weights: "float16", io: "float16" });
      expect((await quantizeStep.apply(bare.model, io, stepContext([feeds]))).model).not.toBe(bare.model);
    }
  });

  it.each([
    [1e-9, /stays float32: it reaches only 1.0e-9/],
    [1e6, /stays float32: it reaches 1.000e\+6; float16 ends at 65504/],
  ])("is not what a weight that reaches %f is stored in", async (size, says) => {
    const feeds = { x: value(1, 32) };
    const given = one((b) => {
      const scaled = b.node("MatMul", ["x", b.initializer("w", float32([32, 32], Array(1024).fill(size)))]);
      return b.node("MatMul", [scaled, b.initializer("other", weight(32, 32))]);
    }, feeds);
    const parsed = quantizeStep.options.parse({ weights: "float16", compute: "stored", minimum: 16 });
    const { model, notes } = await quantizeStep.apply(given.model, parsed, stepContext([feeds]));
    expect(notes.find(({ node }) => node === "w")?.text).toMatch(says);
    expect(notes.map(({ text }) => text).join()).toMatch(/1 weight is stored as float16/);
    const [out] = Object.values(await run(model, feeds, services));
    expect((out!.data as Float32Array).every((number) => number !== 0 && Number.isFinite(number))).toBe(true);
  });

  it("gives float16 inputs and outputs on request", async () => {
    const parsed = quantizeStep.options.parse({ weights: "float16", io: "float16" });
    const { model } = await quantizeStep.apply(cases.MatMul!.model, parsed, stepContext([cases.MatMul!.feeds]));
    assertValid(model);
    const session = await openSession(model, services);
    expect([...session.inputs, ...session.outputs].map(({ dtype }) => dtype)).toEqual(["float16", "float16"]);
    await session.release();
  });

  it("makes named inputs and outputs float16 and no others", async () => {
    for (const [float16Io, dtypes] of [
      [["x"], ["float16", "float32"]],
      [["matmul*"], ["float32", "float16"]],
      [["z"], ["float32", "float32"]],
    ] as const) {
      const parsed = quantizeStep.options.parse({ weights: "float16", float16Io });
      const { model } = await quantizeStep.apply(cases.MatMul!.model, parsed, stepContext([cases.MatMul!.feeds]));
      assertValid(model);
      const session = await openSession(model, services);
      expect([...session.inputs, ...session.outputs].map(({ dtype }) => dtype)).toEqual(dtypes);
      await session.release();
    }
  });

  it("keeps nodes that take an input beyond its range", async () => {
    const large = value(4, 32);
    const given = one(
      (b) => {
        const small = b.node("Mul", ["x", b.initializer("rate", float32([1], [0.01]))], { name: "scale" });
        return b.node("MatMul", [small, b.initializer("w", weight(32, 32))], { name: "product" });
      },
      { x: { ...large, data: (large.data as Float32Array).map((x) => x * 50000) } },
    );
    const parsed = quantizeStep.options.parse({ weights: "float16" });
    const { notes } = await quantizeStep.apply(given.model, parsed, stepContext([given.feeds]));
    expect(notes.filter((note) => note.code === "kept-float32").map((note) => note.node)).toEqual(["scale"]);
  });

  it("keeps what passes its range, and says what", async () => {
    const given = one(
      (b) => {
        const large = b.node("Mul", ["x", b.initializer("thousand", float32([1], [50000]))], { name: "scale" });
        const small = b.node("Div", [large, b.initializer("million", float32([1], [100000]))], { name: "unscale" });
        return b.node("MatMul", [small, b.initializer("w", weight(32, 32))], { name: "product" });
      },
      { x: value(4, 32) },
    );
    const parsed = quantizeStep.options.parse({ weights: "float16" });
    const { model, notes } = await quantizeStep.apply(given.model, parsed, stepContext([given.feeds]));
    const kept = notes.filter((note) => note.code === "kept-float32").map((note) => note.node);
    expect(kept).toEqual(["scale", "unscale"]);
    expect(notes.some((note) => note.code === "value-out-of-range")).toBe(true);
    const [before] = Object.values(await run(given.model, given.feeds, services));
    const [after] = Object.values(await run(model, given.feeds, services));
    expect(sqnr(before!, after!)).toBeGreaterThan(50);
    const off = quantizeStep.options.parse({ weights: "float16", guard: "off", keep: ["unscale"] });
    const unguarded = await quantizeStep.apply(given.model, off, stepContext([given.feeds]));
    expect(unguarded.notes.some((note) => note.code === "values-not-checked")).toBe(true);
  });

  it("keeps sizes exact and Resize's scales in float32", async () => {
    const given = one(
      (b) => {
        const shape = b.node("Cast", [b.node("Shape", ["x"])], { attributes: { to: int(1) } });
        const doubled = b.node("Mul", [shape, b.initializer("factors", float32([4], [1, 1, 2, 2]))]);
        const sizes = b.node("Cast", [doubled], { attributes: { to: int(7) } });
        const grown = b.node("Resize", ["x", "", "", sizes], { attributes: { mode: "nearest" } });
        const again = b.node("Resize", [grown, "", b.initializer("scales", float32([4], [1, 1, 0.5, 0.5]))]);
        return b.node("Conv", [again, b.initializer("w", weight(8, 4, 3, 3))]);
      },
      { x: value(1, 4, 8, 8) },
    );
    const { model, db } = await quantized(given, { weights: "float16" });
    expect(db).toBeGreaterThan(50);
    expect(model.graph.initializers.get("scales")?.dtype).toBe("float32");
    expect(model.graph.initializers.get("factors")?.dtype).toBe("float32");
  });

  it("leaves a constant that it would make infinite in float32, by name, whatever its size, and stores the others", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 512]);
    const mask = new Float32Array(512 * 1024).map((_, at) => (at % 3 === 0 ? -3.4028234663852886e38 : 0));
    const hidden = new Float32Array(1024).map((_, at) => (at % 2 === 0 ? Number.NEGATIVE_INFINITY : 65504));
    const product = b.node("MatMul", ["x", b.initializer("w", float32([512, 1024], normals(2 ** 19, 0.1)))]);
    const masked = b.node("Add", [product, b.initializer("mask", float32([512, 1024], mask))]);
    b.output(b.node("Add", [masked, b.initializer("hidden", float32([1024], hidden))]));
    const stored = quantizeStep.options.parse({ weights: "float16", compute: "stored" });
    const { model, notes } = await quantizeStep.apply(b.model({ opset: 17 }), stored, stepContext());
    expect(new Set(model.graph.initializers.keys())).toEqual(new Set(["w_float16", "mask", "hidden_float16"]));
    expect(notes).toContainEqual(expect.objectContaining({ code: "value-out-of-range", node: "mask" }));
    for (const made of model.graph.initializers.values()) if ("data" in made) await made.data.read();
  });

  it("says what a CPU cannot show, and which border values io float16 loses", async () => {
    const large = { ...value(4, 32), data: normals(128, 1e5) };
    const given = one((b) => b.node("MatMul", ["x", b.initializer("w", weight(32, 32))]), { x: large });
    const apply = async (options: object) => {
      const parsed = quantizeStep.options.parse({ weights: "float16", ...options });
      const { notes } = await quantizeStep.apply(given.model, parsed, stepContext([given.feeds]));
      return notes;
    };
    const plain = await apply({});
    expect(plain).toContainEqual(expect.objectContaining({ code: "float16-judged-in-float32", level: "warning" }));
    expect(plain.filter(({ code }) => code === "border-out-of-range")).toEqual([]);
    const cast = await apply({ io: "float16" });
    expect(cast.filter(({ code }) => code === "border-out-of-range").map(({ node }) => node)).toContain("x");
  });

  it("does not claim that the runtime lacks what only the converter avoids", () => {
    const node = (opType: string) => operatorObstacle(makeNode(opType, ["x"], ["y"]), 21);
    for (const opType of ["Max", "Min", "TopK"]) expect(node(opType)).toMatch(/block list of ONNX Runtime's converter/);
    expect(node("STFT")).toBe("pare does not convert STFT to float16");
    expect(node("MatMul")).toBeUndefined();
  });
});
