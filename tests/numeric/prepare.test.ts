// Models of every form become graphs to be trained: weights in functions, branches and half floats, codes.

import { describe, expect, test } from "vitest";
import { adaptFeeds } from "../../src/engine/feeds.js";
import { run } from "../../src/engine/run.js";
import { float, graphAttribute } from "../../src/ir/attributes.js";
import { graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Initializer } from "../../src/ir/model.js";
import { fromFloat16, toFloat16 } from "../../src/tensor/float16.js";
import { float32, int64, tensor } from "../../src/tensor/tensor.js";
import type { Value } from "../../src/tensor/value.js";
import { prepare } from "../../src/train/prepare.js";
import { expectClose, initialValues, normals, prepareAndCompare, seededValue as value } from "../support/prepared.js";
import { services } from "../support/services.js";
import { zoo } from "../support/zoo.js";

const bytesOf = async (constant: Initializer | undefined) => {
  if (constant === undefined || constant.sparse) throw new Error("no dense constant");
  return new Uint8Array(await constant.data.read()).slice();
};
const sources = (prepared: { readonly weights: readonly { readonly source: string }[] }) =>
  prepared.weights.map(({ source }) => source);

describe("the zoo computes the same, and goes back unchanged", () => {
  test.each(zoo().filter(({ name }) => name !== "float16-opset15"))("$name", async ({ model, feeds }) => {
    await prepareAndCompare(model, feeds);
  });
});

test("a model of float16 throughout is trained in float32 and stays float16 in the file", async () => {
  const { model, feeds } = zoo().find(({ name }) => name === "float16-opset15")!;
  const prepared = await prepare(model, { feeds }, services);
  expect([...prepared.shapes.values()].some(({ dtype }) => dtype === "float16")).toBe(false);
  const ports = prepared.inputs.map((name) => ({ name, dtype: "float32" as const, shape: undefined }));
  const found = await run(prepared.model, adaptFeeds(feeds, ports), services);
  expectClose(await run(model, feeds, services), found, 2e-3);
  const values = await initialValues(prepared);
  expect(await prepared.restore(values)).toBe(model);
  const { name, dims } = prepared.weights[0]!;
  const data = Float32Array.from(values.get(name)!.data as Float32Array, (x) => 2 * x);
  const back = await prepared.restore(new Map([[name, { dtype: "float32", dims, data }]]));
  expect(back.graph.initializers.get(name)?.dtype).toBe("float16");
});

describe("weights behind nodes", () => {
  test("a float16 weight behind a Cast is trained in float32 and stored rounded half to even", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("half", tensor("float16", [4, 2], toFloat16(new Float32Array(8).fill(1))));
    b.output(b.node("MatMul", ["x", b.node("Cast", ["half"], { attributes: { to: 1 } })], { outputs: ["y"] }));
    const model = b.model();
    const prepared = await prepareAndCompare(model, { x: value([3, 4], 1) });
    expect(sources(prepared)).toEqual(["half"]);
    // Between 1 and the next float16, 1 + 2^-10: ties to 1, the even one; above the middle up.
    const values = Float32Array.of(1, 1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -20, 1 + 3 * 2 ** -11, -2, 0, 65504, 1e-8);
    const back = await prepared.restore(new Map([["half", { dtype: "float32", dims: [4, 2], data: values }]]));
    expect(back.graph.initializers.get("half")?.dtype).toBe("float16");
    const stored = new Uint16Array((await bytesOf(back.graph.initializers.get("half"))).buffer);
    expect([...fromFloat16(stored)]).toEqual([1, 1, 1 + 2 ** -10, 1 + 2 ** -9, -2, 0, 65504, 0]);
  });

  test("transposed, reshaped, split and shared weights are one weight each", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("square", normals(1, 4, 4));
    b.initializer("pair", normals(2, 8, 4));
    b.initializer("halves", int64([2], [4, 4]));
    const turned = b.node("Transpose", ["square"], { attributes: { perm: [1, 0] } });
    const [left, right] = b.nodes("Split", ["pair", "halves"], { outputs: ["left", "right"], attributes: { axis: 0 } });
    let x = b.node("MatMul", ["x", turned]);
    x = b.node("MatMul", [x, left!]);
    x = b.node("MatMul", [x, right!]);
    b.output(b.node("MatMul", [x, "square"], { outputs: ["y"] }));
    expect(sources(await prepareAndCompare(b.model(), { x: value([2, 4], 3) }))).toEqual(["square", "pair"]);
  });

  const codes = (dtype: "int8" | "uint8", values: readonly number[], dims: readonly number[]) =>
    tensor(dtype, dims, dtype === "int8" ? Int8Array.from(values) : Uint8Array.from(values));

  test("codes behind DequantizeLinear are trained as numbers, through the same scales, and stored as codes", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 2]);
    b.initializer("codes", codes("int8", [-128, -1, 0, 1, 100, 127], [2, 3]));
    b.initializer("scale", float32([3], [0.5, 0.25, 2]));
    b.initializer("zero", codes("int8", [0, 1, -2], [3]));
    b.initializer("bias", tensor("int32", [3], Int32Array.of(7, -3, 1000)));
    b.initializer("fine", float32([1], [0.001]));
    const weight = b.node("DequantizeLinear", ["codes", "scale", "zero"], { attributes: { axis: 1 } });
    const bias = b.node("DequantizeLinear", ["bias", "fine"]);
    b.output(b.node("Gemm", ["x", weight, bias], { outputs: ["y"] }));
    const model = b.model();
    const prepared = await prepareAndCompare(model, { x: value([2, 2], 3) });
    expect(sources(prepared)).toEqual(["codes", "bias"]);
    const values = await initialValues(prepared);
    expect([...(values.get("codes.master")!.data as Float32Array)]).toEqual([-64, -0.5, 4, 0.5, 24.75, 258]);
    const moved = Float32Array.of(-64, -0.4, 4.9, 0.25, 24.75, -1000);
    const back = await prepared.restore(
      new Map([["codes.master", { dtype: "float32", dims: [2, 3], data: moved } satisfies Value]]),
    );
    // round(x / scale) + zero, ties to even, saturated.
    expect([...new Int8Array((await bytesOf(back.graph.initializers.get("codes"))).buffer)]).toEqual([
      -128, -1, 0, 0, 100, -128,
    ]);
    expect(back.graph.initializers.get("bias")).toBe(model.graph.initializers.get("bias"));
    expect(back.graph.nodes).toBe(model.graph.nodes);
  });

  test("4-bit codes in blocks", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("codes", tensor("uint4", [4, 3], Uint8Array.of(0x10, 0x32, 0x54, 0x76, 0x98, 0xba)));
    b.initializer("scale", float32([2, 3], [1, 2, 3, 4, 5, 6]));
    const weight = b.node("DequantizeLinear", ["codes", "scale"], { attributes: { axis: 0, block_size: 2 } });
    b.output(b.node("MatMul", ["x", weight], { outputs: ["y"] }));
    const prepared = await prepareAndCompare(b.model(), { x: value([2, 4], 3) });
    const values = await initialValues(prepared);
    expect([...(values.get("codes.master")!.data as Float32Array)]).toEqual([
      0, 2, 6, 3, 8, 15, 24, 35, 48, 36, 50, 66,
    ]);
    const data = (values.get("codes.master")!.data as Float32Array).slice();
    data[11] = 600;
    const back = await prepared.restore(new Map([["codes.master", { dtype: "float32", dims: [4, 3], data }]]));
    expect([...(await bytesOf(back.graph.initializers.get("codes")))]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xfa]);
  });
});

describe("weights inside bodies", () => {
  test("a function called twice has its weight once, and it goes back into the function", async () => {
    const body = graphBuilder();
    body.input("x", "float32");
    const weight = body.node("Constant", [], {
      outputs: ["w"],
      attributes: { value: { type: "tensor", value: normals(1, 4, 4) } },
    });
    const slope = { type: "reference" as const, value: "slope", of: 1 };
    const product = body.node("MatMul", ["x", weight], { outputs: ["x_w"] });
    body.output(body.node("LeakyRelu", [product], { outputs: ["y"], attributes: { alpha: slope } }));
    const layer = makeFunction("mine", "Layer", body.graph(), { attributes: ["slope"] });
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    const once = b.node("Layer", ["x"], { domain: "mine", name: "first", attributes: { slope: float(0.5) } });
    b.output(
      b.node("Layer", [once], { domain: "mine", name: "second", outputs: ["out"], attributes: { slope: float(0.25) } }),
    );
    const model = b.model({ functions: [layer], opsets: { mine: 1 } });
    const prepared = await prepareAndCompare(model, { x: value([2, 4], 3) });
    expect(sources(prepared)).toEqual(["Layer/w"]);
    const name = prepared.weights[0]!.name;
    const data = new Float32Array(16).fill(0.5);
    const back = await prepared.restore(new Map([[name, { dtype: "float32", dims: [4, 4], data }]]));
    expect(back.graph).toBe(model.graph);
    const changed = back.functions[0]!.nodes.find(({ opType }) => opType === "Constant")!.attributes.get("value");
    expect(changed?.type === "tensor" && new Float32Array((await bytesOf(changed.value)).buffer)).toEqual(data);
  });

  test("the branch that shapes choose is inlined; the other stays in the file", async () => {
    const branch = (name: string, seed: number) => {
      const inner = graphBuilder(name, `${name}_`);
      inner.initializer(`${name}_w`, normals(seed, 4, 2));
      inner.output(inner.node("MatMul", ["x", `${name}_w`], { outputs: [`${name}_y`] }));
      return graphAttribute(inner.graph());
    };
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("two", int64([], [2]));
    b.initializer("zero", int64([], [0]));
    const rows = b.node("Gather", [b.node("Shape", ["x"]), "zero"]);
    b.node("If", [b.node("Equal", [rows, "two"])], {
      outputs: ["y"],
      attributes: { then_branch: branch("yes", 1), else_branch: branch("no", 2) },
    });
    b.output("y");
    const model = b.model();
    expect(sources(await prepareAndCompare(model, { x: value([2, 4], 3) }))).toEqual(["yes_w"]);
    const prepared = await prepareAndCompare(model, { x: value([3, 4], 3) });
    expect(prepared.weights).toEqual([{ name: "no_w", source: "no_w", dims: [4, 2] }]);
    expect(prepared.model.graph.nodes.map(({ opType }) => opType)).toEqual(["MatMul"]);
  });
});

describe("what is a parameter", () => {
  test("biases and scales of channels are; scalars, masks and what preprocesses the input are not", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    const constants = {
      mean: normals(1, 4),
      w: normals(2, 4, 4),
      bias: normals(3, 4),
      gain: normals(4, 4),
      half: float32([], [0.5]),
      mask: float32([4], [0, 0, -10000, 0]),
      slope: normals(5, 1),
      power: float32([1], [2]),
    };
    for (const [name, constant] of Object.entries(constants)) b.initializer(name, constant);
    let x = b.node("Add", ["x", "mean"]);
    x = b.node("Add", [b.node("MatMul", [x, "w"]), "bias"]);
    x = b.node("Mul", [b.node("Mul", [x, "gain"]), "half"]);
    x = b.node("PRelu", [b.node("Add", [x, "mask"]), "slope"]);
    b.output(b.node("Pow", [x, "power"], { outputs: ["y"] }));
    expect(sources(await prepareAndCompare(b.model(), { x: value([2, 4], 3) }))).toEqual([
      "w",
      "bias",
      "gain",
      "slope",
    ]);
  });

  test("the numbers of an image's pixels do not become parameters by a Gather of constant rows", async () => {
    const b = graphBuilder();
    b.input("ids", "int64", ["n", 3]);
    b.initializer("table", normals(1, 7, 4));
    b.initializer("places", normals(2, 5, 4));
    b.initializer("rows", int64([3], [0, 1, 2]));
    const place = b.node("Gather", ["places", "rows"]);
    b.output(b.node("Add", [b.node("Gather", ["table", "ids"]), place], { outputs: ["y"] }));
    const ids: Value = { dtype: "int64", dims: [2, 3], data: BigInt64Array.from([1n, 2n, 3n, 4n, 5n, 6n]) };
    expect(sources(await prepareAndCompare(b.model(), { ids }))).toEqual(["places", "table"]);
  });
});

describe("heads", () => {
  const headsOf = async (last: (b: ReturnType<typeof graphBuilder>, x: string) => string) => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("w", normals(1, 4, 6));
    b.initializer("shape", int64([3], [-1, 2, 3]));
    b.node("MatMul", ["x", "w"], { outputs: ["scores"] });
    b.output(last(b, "scores"));
    return (await prepareAndCompare(b.model(), { x: value([2, 4], 3) })).heads;
  };
  test("logits stand before the activation, behind what only rearranges", async () => {
    expect(await headsOf((b, x) => b.node("Reshape", [b.node("Softmax", [x]), "shape"], { outputs: ["y"] }))).toEqual([
      { output: "y", logits: "scores", activation: "softmax", axis: 1 },
    ]);
    expect(await headsOf((b, x) => b.node("LogSoftmax", [x], { outputs: ["y"], attributes: { axis: 0 } }))).toEqual([
      { output: "y", logits: "scores", activation: "log-softmax", axis: 0 },
    ]);
    expect(await headsOf((b, x) => b.node("Sigmoid", [x], { outputs: ["y"] }))).toEqual([
      { output: "y", logits: "scores", activation: "sigmoid", axis: 1 },
    ]);
    expect(await headsOf((b, x) => b.node("Relu", [x], { outputs: ["y"] }))).toEqual([
      { output: "y", logits: "y", activation: "none", axis: 1 },
    ]);
  });
});

test("recurrent layers with samples first, which ONNX Runtime does not run, are prepared", async () => {
  const layer = (layout: number) => {
    const b = graphBuilder();
    const perm = (name: string, order: number[]) =>
      layout === 1 ? name : b.node("Transpose", [name], { attributes: { perm: order } });
    b.input("x", "float32", ["n", 5, 4]);
    b.input("h", "float32", ["n", 1, 3]);
    b.initializer("w", normals(1, 1, 9, 4));
    b.initializer("r", normals(2, 1, 9, 3));
    const inputs = [perm("x", [1, 0, 2]), "w", "r", "", "", perm("h", [1, 0, 2])];
    const [y, last] = b.nodes("GRU", inputs, {
      outputs: 2,
      attributes: { hidden_size: 3, ...(layout === 1 ? { layout } : {}) },
    });
    b.output(b.node("Identity", [perm(y!, [2, 0, 1, 3])], { outputs: ["all"] }));
    b.output(b.node("Identity", [perm(last!, [1, 0, 2])], { outputs: ["last"] }));
    return b.model();
  };
  const feeds = { x: value([2, 5, 4], 1), h: value([2, 1, 3], 2) };
  const prepared = await prepare(layer(1), { feeds }, services);
  expect(sources(prepared)).toEqual(["w", "r"]);
  expectClose(await run(layer(0), feeds, services), await run(prepared.model, feeds, services), 1e-5);
});

test("batch norm folded: the result is the folded model", async () => {
  const { model, feeds } = zoo().find(({ name }) => name === "cnn-opset7")!;
  const prepared = await prepare(model, { feeds, bn: "fold" }, services);
  expect(prepared.statistics).toEqual([]);
  const back = await prepared.restore(await initialValues(prepared));
  expect(back.graph.nodes.some(({ opType }) => opType === "BatchNormalization")).toBe(false);
  expectClose(await run(model, feeds, services), await run(back, feeds, services), 1e-5);
});

test("ONNX Runtime's own normalisation in the default domain survives the raised opset", async () => {
  const b = graphBuilder();
  b.input("x", "float32", ["n", 4]);
  b.initializer("gain", normals(1, 4));
  b.output(b.node("SimplifiedLayerNormalization", ["x", "gain"], { outputs: ["y"], attributes: { axis: -1 } }));
  expect(sources(await prepareAndCompare(b.model({ opset: 17 }), { x: value([2, 4], 3) }))).toEqual(["gain"]);
});
