// Models that static quantization must leave alone in part, by node and with a reason, and numbers that are easily got wrong.

import { describe, expect, it } from "vitest";
import { graphAttribute } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { assertValid } from "../../src/ir/verify.js";
import { toBytes } from "../../src/onnx/encode.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { toFloat16 } from "../../src/tensor/float16.js";
import { random } from "../../src/tensor/random.js";
import { float32, type Tensor, tensor } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { farthest, outputsOf, quantizeStatic } from "../support/static-quantize.js";
import { stepContext } from "../support/step-context.js";

const { normal } = random(11);
const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
const list = (dims: readonly number[], size = 1) => Array.from({ length: product(dims) }, () => normal() * size);
const normals = (dims: readonly number[], size = 1) => float32(dims, list(dims, size));
const feed = (dims: readonly number[]): Feeds => ({
  x: { dtype: "float32", dims, data: Float32Array.from(list(dims)) },
});

function model(dims: readonly number[], build: (b: GraphBuilder) => string, options: object = {}): Model {
  const b = graphBuilder();
  b.input("x", "float32", dims);
  b.output(build(b), "float32");
  return b.model({ opset: 17, ...options });
}

const bytes = (value: Tensor | undefined) => value!.data.read();
const constant = (made: Model, name: string) => {
  const found = made.graph.initializers.get(name);
  return found && !found.sparse ? found : undefined;
};

async function reasons(given: Model, feeds: readonly Feeds[]) {
  const { model: result, notes, plan } = await quantizeStatic(given, feeds);
  assertValid(result);
  const kept = notes.filter(({ code }) => code === "kept-float").map(({ text }) => text);
  return { result, notes, plan, kept };
}

describe("stays float, with the reason", () => {
  it("in bodies of If, whose values are not observed", async () => {
    const given = model([2, 8], (b) => {
      const branch = (name: string) => {
        const inner = graphBuilder(name, `${name}_`);
        inner.initializer(`${name}_w`, normals([8, 4]));
        inner.output(inner.node("MatMul", ["h", `${name}_w`]), "float32");
        return graphAttribute(inner.graph());
      };
      b.initializer("w", normals([8, 8]));
      b.node("MatMul", ["x", "w"], { outputs: ["h"] });
      b.initializer("yes", tensor("bool", [], Uint8Array.of(1)));
      return b.node("If", ["yes"], { attributes: { then_branch: branch("a"), else_branch: branch("b") } });
    });
    const { result, kept, plan } = await reasons(given, [feed([2, 8])]);
    expect(plan.clusters).toHaveLength(1);
    expect(kept.filter((text) => text.includes("body of an If"))).toHaveLength(2);
    const [before, after] = [await outputsOf(given, feed([2, 8])), await outputsOf(result, feed([2, 8]))];
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  it("in local functions", async () => {
    const body = graphBuilder("f");
    body.input("a", "float32");
    body.input("v", "float32");
    body.output(body.node("MatMul", ["a", "v"]), "float32");
    const given = model(
      [2, 8],
      (b) => {
        b.initializer("w", normals([8, 8]));
        b.initializer("v", normals([8, 4]));
        return b.node("Apply", [b.node("MatMul", ["x", "w"]), "v"], { domain: "local" });
      },
      { functions: [makeFunction("local", "Apply", body.graph(), { opset: 17 })], opsets: { local: 1 } },
    );
    const { plan, result } = await reasons(given, [feed([2, 8])]);
    expect(plan.clusters).toHaveLength(1);
    await outputsOf(result, feed([2, 8]));
  });

  it("where a caller may replace the weight", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [2, 8]);
    b.input("w", "float32", [8, 4]);
    b.initializer("w", normals([8, 4]));
    b.output(b.node("MatMul", ["x", "w"]), "float32");
    const { result, kept } = await reasons(b.model({ opset: 17 }), [feed([2, 8])]);
    expect(result.graph.initializers.has("w")).toBe(true);
    expect(kept.join()).toContain("a caller may replace it");
  });

  it("where the model computes in float16", async () => {
    const given = model([2, 8], (b) => {
      b.initializer("w", tensor("float16", [8, 4], toFloat16(Float32Array.from(list([8, 4])))));
      const half = b.node("Cast", ["x"], { attributes: { to: 10 } });
      return b.node("Cast", [b.node("MatMul", [half, "w"])], { attributes: { to: 1 } });
    });
    const { result, kept } = await reasons(given, [feed([2, 8])]);
    expect(result).toBe(given);
    expect(kept.join()).toContain("float16");
  });

  it("where it is quantized already", async () => {
    const first = model([2, 8], (b) => {
      b.initializer("w", normals([8, 8]));
      return b.node("MatMul", ["x", "w"]);
    });
    const once = await reasons(first, [feed([2, 8])]);
    const again = await reasons(once.result, [feed([2, 8])]);
    expect(again.result).toBe(once.result);
    expect(again.notes.map(({ text }) => text).join()).toContain("quantized already");
  });

  it("around operators that no runtime fuses, without round trips", async () => {
    const given = model([2, 8], (b) => {
      b.initializer("w", normals([8, 8]));
      return b.node("Tanh", [b.node("Add", [b.node("Sin", ["x"]), b.node("Cos", ["x"])])]);
    });
    const { result } = await reasons(given, [feed([2, 8])]);
    expect(result).toBe(given);
  });

  it("where values are not finite", async () => {
    const given = model([2, 8], (b) => {
      b.initializer("w", normals([8, 8]));
      b.initializer("v", normals([8, 8]));
      const endless = b.node("Div", ["x", b.node("Sub", ["x", "x"])]);
      return b.node("Add", [b.node("MatMul", [endless, "w"]), b.node("MatMul", ["x", "v"])]);
    });
    const { kept, plan, result } = await reasons(given, [feed([2, 8])]);
    expect(plan.clusters).toHaveLength(2);
    expect(kept.join()).toContain("has no range");
    expect(result.graph.initializers.has("w")).toBe(true);
    expect(result.graph.initializers.has("v_quantized")).toBe(true);
  });
});

describe("names", () => {
  it("keep values comparable: dequantized numbers have the name of the float ones", async () => {
    const given = model([1, 3, 6, 6], (b) => {
      b.initializer("w", normals([4, 3, 3, 3]));
      b.initializer("c", normals([4]));
      b.initializer("v", normals([2, 4, 1, 1]));
      b.node("Conv", ["x", "w", "c"], { outputs: ["sum"], name: "first" });
      b.node("Relu", ["sum"], { outputs: ["h"] });
      b.node("Conv", ["h", "v"], { outputs: ["y"] });
      return "y";
    });
    const { result } = await reasons(given, [feed([1, 3, 6, 6])]);
    const makers = new Map(result.graph.nodes.map((node) => [node.outputs[0]!, node]));
    expect(makers.get("h")?.opType).toBe("DequantizeLinear");
    expect(makers.get("h_quantized")?.inputs[0]).toBe("h_float");
    expect(makers.get("h_float")?.opType).toBe("Relu");
    expect(makers.get("sum")?.name).toBe("first");
    expect(makers.get("y")?.opType).toBe("DequantizeLinear");
    expect(makers.get("x_dequantized")?.opType).toBe("DequantizeLinear");
    expect(makers.get("w")?.inputs).toEqual(["w_quantized", "w_scale", "w_zero_point"]);
    expect(makers.get("c")?.inputs).toEqual(["c_quantized", "c_scale"]);
    expect(result.graph.outputs.map(({ name }) => name)).toEqual(["y"]);
  });

  it("leave a weight to those that go on reading its floats", async () => {
    const given = model([2, 8], (b) => {
      b.initializer("w", normals([8, 8]));
      return b.node("Mul", [b.node("MatMul", ["x", "w"]), b.node("ReduceSum", ["w"], { attributes: { keepdims: 0 } })]);
    });
    const { result } = await reasons(given, [feed([2, 8])]);
    expect(result.graph.initializers.has("w")).toBe(true);
    expect(result.graph.nodes.some(({ outputs }) => outputs[0] === "w_dequantized")).toBe(true);
  });
});

describe("numbers", () => {
  it("enlarge the scale of a channel whose bias would not fit in 32 bits", async () => {
    const given = model([1, 2, 4, 4], (b) => {
      b.initializer("w", float32([3, 2, 1, 1], [1, -1, 1e-9, 0, 0, 0]));
      b.initializer("c", float32([3], [0.5, 3, -2]));
      return b.node("Conv", ["x", "w", "c"]);
    });
    const x = feed([1, 2, 4, 4]);
    const { result, notes } = await reasons(given, [x]);
    expect(notes.map(({ code }) => code)).toContain("bias-beyond-int32");
    const [output] = given.graph.outputs;
    const [before, after] = [(await outputsOf(given, x))[output!.name]!, (await outputsOf(result, x))[output!.name]!];
    expect(farthest(before, after)).toBeLessThan(0.05);
  });

  it("hold weights of one number, and of zeros", async () => {
    const given = model([1, 1, 3, 3], (b) => {
      b.initializer("w", float32([1, 1, 1, 1], [-0.25]));
      b.initializer("z", float32([2, 1, 1, 1], [0, 0]));
      return b.node("Conv", [b.node("Conv", ["x", "w"]), "z"]);
    });
    const x = feed([1, 1, 3, 3]);
    const { result } = await reasons(given, [x]);
    const [code] = await bytes(constant(result, "w_quantized"));
    expect(code).toBe(256 - 127);
    const [after] = Object.values(await outputsOf(result, x));
    expect([...(after!.data as Float32Array)].every((value) => value === 0)).toBe(true);
  });

  it("are the same bytes on one thread and two", async () => {
    const given = model([1, 3, 6, 6], (b) => {
      b.initializer("w", normals([4, 3, 3, 3]));
      return b.node("Relu", [b.node("Conv", ["x", "w"])]);
    });
    const x = feed([1, 3, 6, 6]);
    const made = async () => toBytes((await quantizeStatic(given, [x])).model);
    expect(await made()).toEqual(await made());
  });

  it("of 16 bits are written at opset 21, more exact than those of 8", async () => {
    const given = model([3, 16], (b) => {
      b.initializer("w", normals([16, 8]));
      return b.node("MatMul", [b.node("Relu", ["x"]), "w"]);
    });
    const x = feed([3, 16]);
    const wide = await quantizeStatic(given, [x], { activations: "uint16" });
    expect(wide.model.opsets.get("")).toBe(21);
    const narrow = await quantizeStatic(given, [x]);
    expect(narrow.model.opsets.get("")).toBe(17);
    const [right] = Object.values(await outputsOf(given, x));
    const [a] = Object.values(await outputsOf(wide.model, x));
    const [b] = Object.values(await outputsOf(narrow.model, x));
    expect(farthest(a!, right!)).toBeLessThan(farthest(b!, right!));
    expect(wide.notes.map(({ code }) => code)).toContain("slow-form");
  });
});

describe("weights that no integer kernel reads", () => {
  const b = graphBuilder();
  b.input("ids", "int64", [1, 5]);
  b.initializer("table", normals([60, 16]));
  b.initializer("w", normals([16, 24]));
  b.output(b.node("MatMul", [b.node("Gather", ["table", "ids"]), "w"]), "float32");
  const given = b.model({ opset: 17 });
  const ids: Feeds = { ids: { dtype: "int64", dims: [1, 5], data: BigInt64Array.of(0n, 7n, 59n, 3n, 7n) } };
  const made = async (options: object) => {
    const parsed = quantizeStep.options.parse({ activations: "uint8", repair: ["none"], ...options });
    return (await quantizeStep.apply(given, parsed, stepContext([ids]))).model;
  };

  it("are stored in 8 bits too, and keep their name", async () => {
    const result = await made({});
    assertValid(result);
    expect(constant(result, "table")).toBeUndefined();
    expect(constant(result, "table_quantized")).toMatchObject({ dtype: "int8", dims: [60, 16] });
    expect(constant(result, "w_quantized")?.dtype).toBe("int8");
    const [before] = Object.values(await outputsOf(given, ids));
    const [after] = Object.values(await outputsOf(result, ids));
    expect(farthest(before!, after!)).toBeLessThan(0.5);
  });

  it("stay float where keep names them", async () => {
    const result = await made({ keep: ["embeddings"] });
    expect(constant(result, "table")?.dtype).toBe("float32");
    expect(constant(result, "w_quantized")?.dtype).toBe("int8");
  });

  it("have no options of their own", async () => {
    await expect(made({ layers: [{ match: ["table"], weights: "int4" }] })).rejects.toMatchObject({
      code: "quantize-options",
      message: expect.stringContaining("all layers alike"),
    });
  });
});
