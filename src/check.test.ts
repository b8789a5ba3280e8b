// Every verdict of check, each on a small model made for it; and that real models get a sane answer on every target.
// Long because every verdict has its own model.

import { describe, expect, it } from "vitest";
import { portfolioModels } from "../tests/support/portfolio.js";
import { check } from "./check.js";
import { graphAttribute, int } from "./ir/attributes.js";
import { graphBuilder, makeFunction } from "./ir/build.js";
import type { Model } from "./ir/model.js";
import { everyNode } from "./ir/traverse.js";
import { load } from "./load.js";
import { printCheck } from "./report/check.js";
import { targets } from "./targets/index.js";
import { bytesData, float32, int64, tensor } from "./tensor/tensor.js";

const weight = (...dims: number[]) => float32(dims, new Float32Array(dims.reduce((all, dim) => all * dim, 1)));
const bytes = (dtype: "int8" | "uint8", ...dims: number[]) => {
  const size = dims.reduce((all, dim) => all * dim, 1);
  return tensor(dtype, dims, dtype === "int8" ? new Int8Array(size) : new Uint8Array(size));
};

/** Findings of one model by node label: "code verdict". */
async function found(model: Model, target: string): Promise<Record<string, string[]>> {
  const { nodes } = await check(model, { target });
  return Object.fromEntries(
    nodes.map(({ node, findings }) => [node, findings.map(({ code, verdict }) => `${code} ${verdict}`)]),
  );
}

function packed(attributes: Readonly<Record<string, number>>, block = 32): Model {
  const b = graphBuilder();
  const all = { K: 256, N: 64, bits: 4, block_size: block, accuracy_level: 4, ...attributes };
  b.initializer("w", bytes("uint8", all.N, Math.ceil(all.K / block), (block * all.bits) / 8));
  b.initializer("s", weight(all.N, Math.ceil(all.K / block)));
  const x = b.input("x", "float32", [1, all.K]);
  b.output(
    b.node("MatMulNBits", [x, "w", "s"], { domain: "com.microsoft", name: "product", attributes: all }),
    "float32",
  );
  return b.model({ opsets: { "com.microsoft": 1 } });
}

describe("traps", () => {
  it("packed products: by bits, level, runtime and shape", async () => {
    const slow = { product: ["packed-product slow"] };
    const fine = { product: [] };
    expect(await found(packed({}), "node")).toEqual(fine);
    expect(await found(packed({}), "wasm")).toEqual(slow);
    expect(await found(packed({}), "any")).toEqual(slow);
    expect(await found(packed({ bits: 8 }), "node")).toEqual(fine);
    expect(await found(packed({ bits: 8, accuracy_level: 0 }), "node")).toEqual(slow);
    expect(await found(packed({ bits: 2, accuracy_level: 1 }), "node")).toEqual(slow);
    expect(await found(packed({}), "webgpu")).toEqual(fine);
    expect(await found(packed({ K: 96 }), "webgpu")).toEqual(slow);
    expect(await found(packed({ N: 60 }), "webgpu")).toEqual(slow);
    expect(await found(packed({}, 16), "webgpu")).toEqual(slow);
  });

  it("says what to change, with the target's own words", async () => {
    const { nodes } = await check(packed({ bits: 8, accuracy_level: 0 }), { target: "node" });
    expect(nodes[0]?.findings[0]).toMatchObject({
      reason: expect.stringContaining(targets.get("node").why.matMulNBits),
      change: expect.stringMatching(/pare quantize .*--weights int8 --form native --accuracy-level 4 --target node/),
    });
  });

  it("weights that are decoded at every run, but not those of pairs that are fused", async () => {
    const b = graphBuilder();
    const x = b.input("x", "float32", [1, 128]);
    b.initializer("w", bytes("int8", 128, 128));
    b.initializer("s", weight());
    b.initializer("z", bytes("uint8"));
    const w = b.node("DequantizeLinear", ["w", "s"], { name: "alone" });
    const first = b.node("MatMul", [x, w], { name: "float" });
    const q = b.node("QuantizeLinear", [first, "s", "z"], { name: "q" });
    const back = b.node("DequantizeLinear", [q, "s", "z"], { name: "dq" });
    const w2 = b.node("DequantizeLinear", ["w", "s"], { name: "paired" });
    b.output(b.node("MatMul", [back, w2], { name: "integer" }), "float32");
    const ids = b.input("ids", "int64", [2]);
    const table = b.node("DequantizeLinear", ["w", "s"], { name: "table" });
    b.output(b.node("Gather", [table, ids], { name: "rows" }), "float32");
    const model = b.model();
    expect(await found(model, "wasm")).toMatchObject({
      alone: ["decoded-weight slow"],
      float: [],
      dq: [],
      paired: [],
      integer: [],
      table: ["decoded-weight slow"],
    });
    const { nodes } = await check(model, { target: "node" });
    expect(nodes.find(({ node }) => node === "table")?.findings[0]?.reason).toMatch(/whole table/);
    // Nothing is fused on WebGPU, and QuantizeLinear has no shader.
    expect(await found(model, "webgpu")).toMatchObject({
      paired: ["decoded-weight slow"],
      q: ["falls-back falls-back"],
    });
  });

  it("MatMulBnb4, signed dynamic Conv, float16 arithmetic", async () => {
    const b = graphBuilder();
    b.initializer("w4", bytes("uint8", 2048));
    b.initializer("s", weight(64));
    b.initializer("wc", bytes("int8", 4, 4, 3, 3));
    const x = b.input("x", "float32", [1, 64]);
    const attributes = { K: 64, N: 64, block_size: 64, quant_type: 1 };
    b.output(b.node("MatMulBnb4", [x, "w4", "s"], { domain: "com.microsoft", name: "bnb", attributes }), "float32");
    const image = b.input("image", "uint8", [1, 4, 8, 8]);
    b.output(b.node("ConvInteger", [image, "wc"], { name: "conv" }), "int32");
    const h = b.input("h", "float16", [1, 64]);
    b.output(b.node("Relu", [b.node("Transpose", [h], { name: "moved" })], { name: "half" }), "float16");
    const model = b.model({ opsets: { "com.microsoft": 1 } });
    expect(await found(model, "node")).toEqual({
      bnb: ["packed-codebook slow"],
      conv: ["signed-dynamic-conv slow"],
      moved: [],
      half: ["half-arithmetic slow"],
    });
    // ConvInteger takes an input of the model and gives an output: nothing is copied from or to the GPU.
    expect(await found(model, "webgpu")).toMatchObject({ conv: expect.anything(), half: [] });
    const { model: whole } = await check(model, { target: "webgpu" });
    expect(whole.map(({ code }) => code)).toContain("needs-shader-f16");
  });
});

describe("builds of onnxruntime-web that hold WebGPU", () => {
  const table = (bits: number) => {
    const b = graphBuilder();
    b.initializer("w", bytes("uint8", 4, (32 * bits) / 8));
    b.initializer("s", weight(4, 1));
    const attributes = { bits, block_size: 32, gather_axis: 0, quantize_axis: 1 };
    const inputs = ["w", b.input("ids", "int64", [2]), "s"];
    b.output(b.node("GatherBlockQuantized", inputs, { domain: "com.microsoft", name: "rows", attributes }), "float32");
    return b.model({ opsets: { "com.microsoft": 1 } });
  };
  const cast = (dtype: "uint4" | "bfloat16" | "float8e4m3fn" | "uint8" | "float16") => {
    const b = graphBuilder();
    const size = { uint4: 2, bfloat16: 8, float8e4m3fn: 4, uint8: 4, float16: 8 }[dtype];
    b.initializer("w", { dtype, dims: [4], data: bytesData(new Uint8Array(size)) });
    const decoded = b.node("Cast", ["w"], { name: "decode", attributes: { to: int(1) } });
    b.output(b.node("Add", [b.input("x", "float32", [4]), decoded], { name: "add" }), "float32");
    return b.model({ opset: 21 });
  };

  it.each(["wasm", "any"])("%s runs what they lack, and says so", async (target) => {
    const told = { decode: ["not-in-every-build runs"], add: [] };
    for (const dtype of ["uint4", "bfloat16", "float8e4m3fn"] as const) {
      expect(await found(cast(dtype), target), dtype).toEqual(told);
    }
    for (const dtype of ["uint8", "float16"] as const) {
      expect(await found(cast(dtype), target), dtype).toEqual({ decode: [], add: [] });
    }
    expect(await found(table(8), target)).toEqual({ rows: ["not-in-every-build runs"] });
    const result = await check(table(8), { target });
    expect(result.runs).toBe(true);
    expect(printCheck(result)).toMatch(/To know.*rows.*no kernel of GatherBlockQuantized.*onnxruntime-web\/wasm/s);
  });

  it("WebGPU itself: no such Cast, tables of 4 and 8 bits", async () => {
    expect(await found(cast("uint4"), "webgpu")).toMatchObject({ decode: ["no-kernel will-not-run"] });
    expect(await found(table(8), "webgpu")).toEqual({ rows: [] });
    expect(await found(table(2), "webgpu")).toEqual({ rows: ["packed-table will-not-run"] });
    expect(await found(table(2), "node")).toEqual({ rows: [] });
  });
});

it("what is decoded at load falls back nowhere and needs no float16 on the GPU", async () => {
  const b = graphBuilder();
  b.initializer("w", bytes("uint8", 64, 64));
  b.initializer("h", { dtype: "float16", dims: [64, 1], data: bytesData(new Uint8Array(128)) });
  const codes = b.node("Cast", ["w"], { name: "codes", attributes: { to: int(1) } });
  const scale = b.node("Cast", ["h"], { name: "scale", attributes: { to: int(1) } });
  const x = b.input("x", "float32", [2, 64]);
  b.output(b.node("MatMul", [x, b.node("Mul", [codes, scale], { name: "decoded" })], { name: "product" }), "float32");
  const { nodes, model, counts } = await check(b.model(), { target: "webgpu" });
  expect(nodes.flatMap(({ findings }) => findings)).toEqual([]);
  expect(counts.runs).toBe(4);
  expect(model).toEqual([]);
});

it("a dynamic Conv: slower than float on a CPU without VNNI", async () => {
  const b = graphBuilder();
  b.initializer("w", bytes("uint8", 4, 4, 3, 3));
  const x = b.input("x", "float32", [1, 4, 8, 8]);
  b.node("DynamicQuantizeLinear", [x], { outputs: ["q", "scale", "zero"], name: "quantize" });
  b.output(b.node("ConvInteger", ["q", "w", "zero"], { name: "conv" }), "int32");
  const model = b.model();
  expect(await found(model, "node")).toEqual({ quantize: [], conv: ["dynamic-conv slow"] });
  expect(await found(model, "any")).toMatchObject({ conv: ["dynamic-conv slow"] });
  expect(await found(model, "wasm")).toMatchObject({ conv: [] });
});

describe("what does not run", () => {
  const one = (opType: string, opset: number, dtype: "float32" | "float64" | "bfloat16" = "float32", domain = "") => {
    const b = graphBuilder();
    b.output(b.node(opType, [b.input("x", dtype, [2, 2])], { name: "it", domain }), dtype);
    return b.model({ opset, ...(domain === "" ? {} : { opsets: { [domain]: 1 } }) });
  };

  it("operators newer than the stated opset, unknown ones, types without a kernel", async () => {
    expect(await found(one("Gelu", 17), "node")).toEqual({ it: ["opset-older will-not-run"] });
    expect(await found(one("Gelu", 20), "node")).toEqual({ it: [] });
    expect(await found(one("Geloo", 20), "node")).toEqual({ it: ["operator-unknown will-not-run"] });
    expect(await found(one("Sin", 20, "bfloat16"), "wasm")).toEqual({ it: ["no-kernel will-not-run"] });
    expect(await found(one("Abs", 13, "float64"), "webgpu")).toEqual({ it: ["no-kernel will-not-run"] });
    expect(await found(one("Relu", 20, "float32", "acme"), "node")).toEqual({ it: ["domain-unknown unknown"] });
    expect(await found(one("Normalizer", 20, "float32", "ai.onnx.ml"), "webgpu")).toMatchObject({
      it: ["no-kernel will-not-run"],
    });
  });

  it("versions, tensors without a type in JavaScript, a heap that is too small", async () => {
    const codes = async (model: Model, target: string) => {
      const { model: whole, runs } = await check(model, { target });
      return [runs, ...whole.map(({ code }) => code)];
    };
    expect(await codes(one("Relu", 99), "node")).toEqual([false, "opset-newer"]);
    expect(await codes({ ...one("Relu", 21), irVersion: 99 }, "wasm")).toEqual([false, "ir-newer"]);
    expect(await codes(one("Identity", 21, "bfloat16"), "node")).toEqual([false, "no-tensor-type", "no-tensor-type"]);
    const b = graphBuilder();
    const size = 5 * 2 ** 30;
    b.initializer("w", {
      dtype: "uint8",
      dims: [size],
      data: { byteLength: size, read: () => Promise.reject(new Error("check reads no weight")) },
    } as never);
    b.output(b.node("Gather", ["w", b.input("i", "int64", [1])]), "uint8");
    expect(await codes(b.model(), "wasm")).toEqual([false, "heap-limit"]);
    expect(await codes(b.model(), "node")).toEqual([true]);
  });

  it("says that a type is not known rather than guess", async () => {
    const b = graphBuilder();
    const unknown = b.node("Own", [b.input("x", "float32", [2])], { domain: "acme", name: "own" });
    b.output(b.node("Sin", [unknown], { name: "sin" }));
    expect(await found(b.model({ opsets: { acme: 1 } }), "node")).toEqual({
      own: ["domain-unknown unknown"],
      sin: ["type-unknown unknown"],
    });
  });
});

it("looks into If, Loop and functions, with the types of what is around", async () => {
  const branch = graphBuilder("then", "t");
  branch.output(branch.node("Sin", ["d"], { name: "inside" }));
  const other = graphBuilder("else", "e");
  other.output(other.node("Abs", ["d"], { name: "other" }));
  const body = graphBuilder("body", "b");
  const [, c, carried] = [body.input("i", "int64", []), body.input("c", "bool", []), body.input("v", "float64")];
  body.output(body.node("Identity", [c], { name: "on" }));
  body.output(body.node("Sin", [carried], { name: "turned" }));
  const inner = graphBuilder();
  inner.output(inner.node("Sin", [inner.input("a", "float32")], { name: "called" }));
  const b = graphBuilder();
  const d = b.input("d", "float64", [2]);
  const choice = b.input("choice", "bool", []);
  const n = b.input("n", "int64", []);
  const chosen = b.node("If", [choice], {
    name: "if",
    attributes: { then_branch: graphAttribute(branch.graph()), else_branch: graphAttribute(other.graph()) },
  });
  b.output(b.node("Sin", [chosen], { name: "after" }));
  b.output(b.node("Loop", [n, choice, d], { name: "loop", attributes: { body: graphAttribute(body.graph()) } }));
  b.output(b.node("Block", [b.node("Cast", [d], { attributes: { to: int(16) } })], { domain: "local", name: "call" }));
  const model = b.model({ opsets: { local: 1 }, functions: [makeFunction("local", "Block", inner.graph())] });
  const { nodes } = await check(model, { target: "node" });
  const by = new Map(nodes.map((one) => [one.node, one]));
  expect(by.get("inside")).toMatchObject({ where: "if/then_branch", verdict: "runs" });
  expect(by.get("after")?.verdict).toBe("runs");
  expect(by.get("turned")).toMatchObject({ where: "loop/body", verdict: "runs" });
  // The call gives bfloat16, whatever the body says of its own.
  expect(by.get("called")).toMatchObject({ where: "function local:Block", verdict: "will-not-run" });
});

describe("portfolio", () => {
  // All of them are run with onnxruntime-node and in WebAssembly by other tests.
  it.each(portfolioModels().map((path) => [path.split("/models/")[1], path] as const))("%s", async (_, path) => {
    const model = await load(path);
    for (const target of targets.list) {
      const result = await check(model, { target: target.name });
      expect(result.runs, target.name).toBe(true);
      expect(result.counts.unknown, target.name).toBe(0);
      expect(result.nodes.length).toBeGreaterThanOrEqual([...everyNode(model)].length);
      const verdicts = Object.values(result.counts).reduce((all, count) => all + count, 0);
      expect(verdicts).toBe(result.nodes.length);
    }
  });
});

it("tells the same finding once, with examples and what to do", async () => {
  const b = graphBuilder();
  let x = b.input("x", "float16", [2]);
  for (let i = 0; i < 5; i++) x = b.node("Sin", [x], { name: `sin_${i}` });
  b.output(x, "float16");
  const result = await check(b.model(), { target: "wasm" });
  const text = printCheck(result);
  expect(text).toMatch(/runs.* \(5 slow, of 5 nodes\)/);
  expect(text.match(/5 Sin: sin_0, sin_1, sin_2 and 2 more/g)).toHaveLength(1);
  expect(text).toContain("--weights float16 --compute stored");
  expect(printCheck(result, { all: true })).toContain("sin_4");
});

describe("sparse_initializer", () => {
  const b = graphBuilder();
  b.input("x", "float32", [1, 2]);
  b.output(b.node("MatMul", ["x", "w"]), "float32");
  const { graph, ...rest } = b.model();
  const sparse = { values: float32([1], [2]), indices: int64([1], [3]) };
  const model = {
    ...rest,
    graph: { ...graph, initializers: new Map([["w", { dtype: "float32", dims: [2, 2], sparse } as const]]) },
  };

  it.each([
    ["webgpu", false, "sparse-initializer"],
    ["wasm", true, "not-in-every-build"],
    ["any", true, "not-in-every-build"],
  ])("on %s, whose builds do not all read it: runs %s", async (target, runs, code) => {
    const result = await check(model, { target });
    expect(result.runs).toBe(runs);
    expect(result.model.find((one) => one.code === code)?.change).toContain("--sparse gaps");
  });

  it("on node", async () => {
    expect(await check(model, { target: "node" })).toMatchObject({ runs: true, model: [] });
  });
});
