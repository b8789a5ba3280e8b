// Each form of each operator, on the engine: near to float, and free of decoding nodes once ONNX Runtime has loaded it.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSession } from "../../src/engine/session.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { everyNode } from "../../src/ir/traverse.js";
import { assertValid } from "../../src/ir/verify.js";
import { load } from "../../src/load.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { tensor } from "../../src/tensor/tensor.js";
import { cases, one, quantized, value, weight } from "../support/quantize-cases.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-forms-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The operators that are left once ONNX Runtime has optimised the graph. */
async function loaded(model: Model): Promise<string[]> {
  const optimizedPath = join(folder, "optimized.onnx");
  const session = await openSession(model, services, { optimizedPath });
  await session.release();
  return [...everyNode(await load(new Uint8Array(readFileSync(optimizedPath))))].map((node) => node.opType);
}

const DECODING = ["Cast", "Sub", "Mul", "Reshape", "Slice", "Transpose"];

describe.each(Object.entries(cases))("%s, decoded at load", (name, given) => {
  const forms = [
    { options: { weights: "int8", form: "extract" }, db: 36 },
    { options: { weights: "uint8", form: "extract" }, db: 36 },
    { options: { weights: "int8", form: "extract", granularity: "block", block: 16 }, db: 36 },
    { options: { weights: "uint4", form: "extract", block: 16 }, db: 14 },
    { options: { weights: "int4", form: "extract", block: 32 }, db: 14 },
    { options: { weights: "float16", compute: "stored" }, db: 60 },
  ];
  it.each(forms)("$options", async ({ options, db }) => {
    const made = await quantized(given, options);
    expect(made.ops).toContain("Cast");
    expect(made.db).toBeGreaterThan(db);
    const left = (await loaded(made.model)).filter((op) => DECODING.includes(op));
    // Gemm with transA and the tied product keep a node of their own in float too.
    const own = (await loaded(given.model)).filter((op) => DECODING.includes(op));
    expect(left, name).toEqual(own);
  });
});

describe("products of packed weights", () => {
  it.each([
    ["MatMul", ["MatMulNBits"]],
    ["Gemm", ["Add", "MatMulNBits", "Mul", "Mul", "Transpose"]],
    ["Gather", ["GatherBlockQuantized"]],
    ["tied", ["GatherBlockQuantized", "MatMulNBits", "Reshape"]],
  ])("%s becomes %j", async (name, expected) => {
    for (const weights of ["int4", "uint4", "int8", "uint8"]) {
      const made = await quantized(cases[name]!, { weights, form: "native" });
      expect([...made.ops].sort()).toEqual(expected);
      expect(made.db).toBeGreaterThan(weights.endsWith("4") ? 15 : 36);
      expect([...made.model.graph.initializers.keys()].filter((key) => key.endsWith("_quantized"))).toHaveLength(1);
    }
  });

  it("are chosen by target, at the opset that the model has", async () => {
    const node = await quantized(cases.MatMul!, { weights: "int4" }, "node");
    expect(node.ops).toEqual(["MatMulNBits"]);
    expect(node.model.opsets.get("")).toBe(17);
    expect((await quantized(cases.MatMul!, { weights: "int4" }, "wasm")).ops).not.toContain("MatMulNBits");
  });
});

describe("integer products", () => {
  it.each(["int8", "uint8"])("are what ONNX Runtime fuses, with %s weights", async (weights) => {
    for (const name of ["MatMul", "tied", "inside If"]) {
      const made = await quantized(cases[name]!, { weights, activations: "dynamic" });
      expect(made.db).toBeGreaterThan(28);
      const left = await loaded(made.model);
      expect(left.some((op) => op === "DynamicQuantizeMatMul" || op === "MatMulIntegerToFloat")).toBe(true);
      expect(left).not.toContain("MatMulInteger");
    }
  });

  it.each(["int8", "uint8"])("cover Gemm, Conv with uint8 weights, and bidirectional LSTM: %s", async (weights) => {
    const options = { weights, activations: "dynamic" };
    expect((await quantized(cases.Gemm!, options)).ops).toContain("MatMulInteger");
    const conv = await quantized(cases.Conv!, options);
    expect(conv.ops).toContain("ConvInteger");
    expect(conv.model.graph.initializers.get("w_quantized")?.dtype).toBe("uint8");
    const lstm = await quantized(cases.LSTM!, options);
    expect(lstm.ops).toContain("DynamicQuantizeLSTM");
    for (const { db } of [conv, lstm]) expect(db).toBeGreaterThan(28);
  });

  it("quantize an activation once for all that use it", async () => {
    const given = one(
      (b) => {
        const q = b.node("MatMul", ["x", b.initializer("q", weight(64, 32))]);
        return b.node("Add", [q, b.node("MatMul", ["x", b.initializer("k", weight(64, 32))])]);
      },
      { x: value(3, 64) },
    );
    const { ops } = await quantized(given, { activations: "dynamic" });
    expect(ops.filter((op) => op === "DynamicQuantizeLinear")).toHaveLength(1);
  });

  it("use 7 bits of 8 where a processor may saturate", async () => {
    const codes = async (options: object, target: string) => {
      const { model } = await quantized(cases.MatMul!, { activations: "dynamic", ...options }, target);
      const stored = model.graph.initializers.get("w_quantized")!;
      const bytes = "data" in stored ? await stored.data.read() : new Uint8Array();
      return Math.max(...Int8Array.from(bytes).map(Math.abs));
    };
    expect(await codes({}, "any")).toBe(64);
    expect(await codes({}, "wasm")).toBe(127);
    expect(await codes({ reduceRange: false }, "any")).toBe(127);
  });
});

describe("what is left alone", () => {
  it("is what the user names, what is small, and what a caller may replace, each with its reason", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 64]);
    b.input("given", "float32", [64, 64]);
    b.initializer("given", weight(64, 64));
    for (const name of ["a", "b"]) b.initializer(name, weight(64, 64));
    b.initializer("tiny", weight(64, 2));
    let x = "x";
    for (const name of ["a", "b", "given", "tiny"]) x = b.node("MatMul", [x, name], { name: `layers/${name}` });
    b.output(x);
    const parsed = quantizeStep.options.parse({ keep: ["layers/b"] });
    const { model, notes } = await quantizeStep.apply(b.model({ opset: 17 }), parsed, stepContext());
    expect([...model.graph.initializers.keys()].filter((name) => name.endsWith("_quantized"))).toEqual(["a_quantized"]);
    const text = notes.map((note) => note.text).join("\n");
    expect(text).toMatch(/"b" .*keep names/);
    expect(text).toMatch(/"given" .*input of the model/);
    expect(text).toMatch(/1 small constant /);
    const misspelt = quantizeStep.options.parse({ keep: ["layer/b"] });
    await expect(quantizeStep.apply(b.model({ opset: 17 }), misspelt, stepContext())).rejects.toMatchObject({
      code: "pattern-unmatched",
    });
    const glob = quantizeStep.options.parse({ only: ["layers/*"], keep: ["layers/{a,b}"] });
    const globbed = await quantizeStep.apply(b.model({ opset: 17 }), glob, stepContext());
    const named = globbed.notes.filter((note) => /keep names/.test(note.text)).map((note) => note.node);
    expect(named).toEqual(["a", "b"]);
  });

  it("float16 weights are quantized with float16 scales", async () => {
    const b = graphBuilder();
    b.input("x", "float16", [2, 64]);
    b.initializer(
      "w",
      tensor(
        "float16",
        [64, 32],
        new Uint16Array(64 * 32).map((_, at) => 0x3000 + (at % 900)),
      ),
    );
    b.output(b.node("MatMul", ["x", "w"]));
    const parsed = quantizeStep.options.parse({ weights: "int4", form: "native" });
    const { model } = await quantizeStep.apply(b.model({ opset: 21 }), parsed, stepContext());
    assertValid(model);
    expect(model.graph.initializers.get("w_scale")?.dtype).toBe("float16");
    await (await openSession(model, services)).release();
  });
});

it("lets a model on WebAssembly not pass its heap", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [1, 2 ** 15]);
  const data = { byteLength: 2 ** 32, read: async () => new Uint8Array(), stream: async function* () {} };
  b.output(b.node("MatMul", ["x", b.initializer("w", { dtype: "float32", dims: [2 ** 15, 2 ** 15], data })]));
  const parsed = quantizeStep.options.parse({});
  const on = (target: string) => quantizeStep.apply(b.model(), parsed, stepContext([], target));
  await expect(on("wasm")).rejects.toMatchObject({ code: "heap-limit", kind: "unsupported" });
  expect((await on("any")).model.graph.initializers.has("w_quantized")).toBe(true);
});

it("is deterministic", async () => {
  const read = async () => {
    const { model } = await quantized(cases.tied!, { weights: "uint4", form: "native" });
    const parts = [...model.graph.initializers].map(async ([name, part]) => [
      name,
      "data" in part ? await part.data.read() : 0,
    ]);
    return {
      ops: [...everyNode(model)].map((node) => [node.name, node.opType, node.inputs, node.outputs]),
      parts: await Promise.all(parts),
    };
  };
  expect(await read()).toEqual(await read());
});
