// What is computed ahead of time and what is left alone, with equal results on the engine.

import { describe, expect, it } from "vitest";
import { float, graphAttribute } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import { everyGraph } from "../../src/ir/traverse.js";
import { passes } from "../../src/passes/index.js";
import { float32, int64, tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { model, normals, proved, value, weight } from "../support/proved.js";
import { services } from "../support/services.js";

describe("fold-constants", () => {
  it("computes what depends on constants, in subgraphs too, and hoists Constant nodes", async () => {
    const branch = (name: string) => {
      const b = graphBuilder(name, `${name}_`);
      const two = b.node("Constant", [], { attributes: { value_float: 2.5 } });
      const scaled = b.node("Mul", [b.node("Neg", ["outer"]), two]);
      b.output(b.node("Add", ["x", scaled], { outputs: [`${name}_y`] }), "float32", [4]);
      return graphAttribute(b.graph());
    };
    const before = model((b) => {
      b.input("x", "float32", [4]);
      b.input("c", "bool", []);
      b.initializer("outer", weight([4]));
      const size = b.node("Shape", [b.initializer("wide", weight([2, 2]))]);
      const shaped = b.node("Reshape", ["x", b.node("Mul", [size, b.initializer("one", int64([2], [1, 1]))])]);
      b.output(b.node("Flatten", [shaped]));
      b.output(b.node("If", ["c"], { attributes: { then_branch: branch("t"), else_branch: branch("e") } }));
    });
    const feeds: Feeds = { x: value([4]), c: { dtype: "bool", dims: [], data: Uint8Array.of(0) } };
    const { operators, model: after, again } = await proved("fold-constants", before, feeds);
    expect(operators).toEqual(["Reshape", "Flatten", "If"]);
    const inner = [...everyGraph(after)].slice(1).map((graph) => graph.nodes.map((node) => node.opType));
    expect(inner).toEqual([["Add"], ["Add"]]);
    expect(again.changed).toBe(false);
  });

  it("never makes the file larger, never undoes storage in few bits, never fixes what is random", async () => {
    const before = model((b) => {
      b.input("x", "float32", [64, 64]);
      const shape = b.initializer("shape", int64([2], [64, 64]));
      const grown = b.node("Expand", [b.initializer("row", weight([1, 64])), shape]);
      const filled = b.node("ConstantOfShape", [shape]);
      const codes = tensor("int8", [64, 64], Int8Array.from(normals([64, 64]).map((v) => v * 30)));
      const decoded = b.node("Mul", [
        b.node("Cast", [b.initializer("codes", codes)], { attributes: { to: 1 } }),
        b.initializer("scale", float32([], [0.1])),
      ]);
      const nibbles = b.node("BitwiseAnd", [
        b.initializer("packed", tensor("uint8", [32, 64], new Uint8Array(2048).fill(0x5a))),
        b.initializer("mask", tensor("uint8", [], Uint8Array.of(15))),
      ]);
      const unpacked = b.node("Concat", [nibbles, nibbles], { attributes: { axis: 0 } });
      const stored = b.node("Cast", [unpacked], { attributes: { to: 1 } });
      const noise = b.node("RandomNormal", [], { attributes: { shape: [64, 64], scale: float(0) } });
      let y = "x";
      for (const term of [grown, filled, decoded, stored, noise]) y = b.node("Add", [y, term]);
      b.output(y);
    });
    const { changed } = await passes.get("fold-constants").apply(before, services);
    expect(changed).toBe(false);
  });

  it("transposes a weight where nothing else uses it, and keeps tied weights tied", async () => {
    const before = model((b) => {
      b.input("ids", "int64", [3]);
      const tied = b.initializer("tied", weight([40, 32]));
      const own = b.initializer("own", weight([24, 32], 2));
      const x = b.node("Gather", [tied, "ids"]);
      b.output(b.node("MatMul", [x, b.node("Transpose", [tied], { attributes: { perm: [1, 0] } })]));
      b.output(b.node("MatMul", [x, b.node("Transpose", [own], { attributes: { perm: [1, 0] } })]));
    });
    const ids: Value = { dtype: "int64", dims: [3], data: BigInt64Array.of(1n, 0n, 39n) };
    const { operators, model: after } = await proved("fold-constants", before, { ids });
    expect(operators).toEqual(["Gather", "Transpose", "MatMul", "MatMul"]);
    expect(after.graph.initializers.has("own")).toBe(false);
  });

  it("leaves to the runtime what the engine refuses", async () => {
    const before = model((b) => {
      b.input("x", "float32", [2]);
      const bad = b.node("Reshape", [b.initializer("w", weight([3])), b.initializer("s", int64([1], [2]))], {
        name: "bad",
      });
      b.output(b.node("Add", ["x", bad]));
    });
    const { changed, notes } = await passes.get("fold-constants").apply(before, services);
    expect(changed).toBe(false);
    expect(notes).toMatchObject([{ code: "constant-kept", node: "bad" }]);
  });
});
