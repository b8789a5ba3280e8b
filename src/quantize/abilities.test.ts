// What inspect shows of each node is what the quantize step does with it.

import { describe, expect, it } from "vitest";
import { stepContext } from "../../tests/support/step-context.js";
import { int } from "../ir/attributes.js";
import { graphBuilder } from "../ir/build.js";
import { everyNode } from "../ir/traverse.js";
import { targets } from "../targets/index.js";
import { float32, tensor } from "../tensor/tensor.js";
import { abilities } from "./abilities.js";
import { quantizeStep } from "./quantize.js";

const weight = (...dims: number[]) =>
  float32(
    dims,
    new Float32Array(dims.reduce((all, dim) => all * dim, 1)).map((_, at) => Math.sin(at)),
  );

const b = graphBuilder();
b.input("x", "float32", ["n", 32]);
b.input("h", "float16", ["n", 32]);
b.input("i", "int64", [2]);
b.input("s", "float32", ["t", 1, 32]);
b.initializer("w", weight(32, 32));
b.initializer("tiny", weight(32, 4));
b.initializer("narrow", weight(8, 512));
b.initializer("odd", weight(64, 40));
b.initializer("half", tensor("float16", [32, 32], new Uint16Array(1024).fill(0x3c00)));
const first = b.node("MatMul", ["x", "w"], { name: "weighted" });
const second = b.node("MatMul", [first, first], { name: "computed" });
b.output(b.node("CumSum", [second, "axis"], { name: "sum" }));
b.output(b.node("MatMul", [first, "tiny"], { name: "small" }));
b.output(b.node("MatMul", [b.node("Slice", [first], { name: "cut" }), "narrow"], { name: "short" }));
b.output(b.node("Gather", ["odd", "i"], { name: "table" }));
b.output(b.node("MatMul", ["h", "half"], { name: "halved" }));
b.initializer("lw", weight(1, 64, 32));
const computed = b.node("Reshape", [first], { name: "reshape" });
b.output(b.node("LSTM", ["s", "lw", computed], { name: "recurrent", attributes: { hidden_size: int(16) } }));
const model = b.model();

const of = async (target: string) =>
  new Map((await abilities(model, targets.get(target))).map((ability) => [ability.node, ability]));

describe("abilities", () => {
  it("says what can be done with a node for a target, and why nothing", async () => {
    const [node, any, webgpu] = [await of("node"), await of("any"), await of("webgpu")];
    expect(node.get("weighted")?.can).toContain("int4-native");
    expect(any.get("weighted")?.can).toContain("int8-dynamic");
    expect(any.get("weighted")?.can).not.toContain("int4-native");
    expect(webgpu.get("weighted")?.can).not.toContain("int8-dynamic");
    expect(any.get("computed")).toEqual({
      node: "computed",
      can: ["float16"],
      why: "its weights are computed, not constant",
    });
    expect(any.get("sum")).toMatchObject({ can: [], why: expect.stringContaining("CumSum") });
  });

  it("knows the sizes, types and uses that the step keeps", async () => {
    const node = await of("node");
    expect(node.get("small")).toEqual({ node: "small", can: ["float16"], why: "it has fewer than 256 elements" });
    expect(node.get("short")?.can).toContain("int8");
    expect(node.get("short")?.can).not.toContain("int4");
    expect(node.get("table")?.can).toContain("int4");
    // Rows of 40 are no whole blocks of 32: a table alone has a short one.
    expect(node.get("table")?.can).toContain("int4-native");
    expect(node.get("halved")?.can).toContain("int8");
    expect(node.get("halved")?.can).not.toContain("int8-dynamic");
    expect(node.get("halved")?.can).not.toContain("float16-stored");
    expect(node.get("recurrent")?.can).not.toContain("int8-dynamic");
  });

  it("tells of integer products exactly what becomes one", async () => {
    const said = (await abilities(model, targets.get("any"))).filter(({ can }) => can.includes("int8-dynamic"));
    const parsed = quantizeStep.options.parse({ activations: "dynamic" });
    const { notes } = await quantizeStep.apply(model, parsed, stepContext());
    const done = notes.filter(({ code }) => code === "quantized-dynamic").map(({ node }) => node);
    expect(said.map(({ node }) => node)).toEqual(done);
    expect(done.length).toBeGreaterThan(0);
  });

  it("has an entry for each node, Constant nodes too", async () => {
    const one = graphBuilder();
    one.input("x", "float32", [1, 32]);
    one.node("Constant", [], {
      name: "given",
      outputs: ["c"],
      attributes: { value: { type: "tensor", value: weight(32, 32) } },
    });
    one.output(one.node("MatMul", ["x", "c"], { name: "product" }));
    const made = one.model();
    const told = await abilities(made, targets.get("any"));
    expect(told.map(({ node }) => node)).toEqual([...everyNode(made)].map(({ name }) => name));
    expect(told[1]?.can).toContain("int8");
  });
});
