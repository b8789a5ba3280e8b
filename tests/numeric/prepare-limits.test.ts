// Batches fixed in the file are freed or the node that fixes them is named; what cannot be trained is refused by name.

import { describe, expect, test } from "vitest";
import { run } from "../../src/engine/run.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { int64, tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { prepare } from "../../src/train/prepare.js";
import { expectClose, normals, seededValue as value } from "../support/prepared.js";
import { services } from "../support/services.js";

describe("a batch fixed in the file", () => {
  /** A patch sequence with a class token and a merge of batch and heads: what exporters of transformers write with batch 1. */
  function fixedAtOne(): Model {
    const b = graphBuilder();
    b.input("x", "float32", [1, 6, 4]);
    b.initializer("token", normals(1, 1, 1, 4));
    b.initializer("w", normals(2, 4, 4));
    b.initializer("heads", int64([4], [1, 7, 2, 2]));
    b.initializer("merged", int64([3], [2, 7, 2]));
    b.initializer("apart", int64([4], [1, 2, 7, 2]));
    b.initializer("flat", int64([2], [1, 28]));
    b.initializer("out", normals(3, 28, 3));
    let x = b.node("Concat", ["token", "x"], { attributes: { axis: 1 } });
    x = b.node("Reshape", [b.node("MatMul", [x, "w"]), "heads"]);
    x = b.node("Reshape", [b.node("Transpose", [x], { attributes: { perm: [0, 2, 1, 3] } }), "merged"]);
    x = b.node("MatMul", [x, b.node("Transpose", [x], { attributes: { perm: [0, 2, 1] } })]);
    x = b.node("Slice", [
      x,
      b.initializer("from", int64([1], [0])),
      b.initializer("to", int64([1], [2])),
      b.initializer("along", int64([1], [2])),
    ]);
    x = b.node("Reshape", [x, "apart"]);
    x = b.node("Reshape", [b.node("Transpose", [x], { attributes: { perm: [0, 2, 1, 3] } }), "flat"]);
    b.output(b.node("MatMul", [x, "out"], { outputs: ["y"] }), "float32", [1, 3]);
    return b.model();
  }
  test("is freed where shapes, joined constants and merged axes say so", async () => {
    const model = fixedAtOne();
    const feeds = { x: value([3, 6, 4], 5) };
    const prepared = await prepare(model, { feeds }, services);
    expect(prepared.batch).toBe(3);
    const found = (await run(prepared.model, feeds, services)).y!.data as Float32Array;
    for (let i = 0; i < 3; i++) {
      const one = {
        x: { ...feeds.x, dims: [1, 6, 4], data: (feeds.x.data as Float32Array).slice(24 * i, 24 * i + 24) },
      };
      const part: Value = { dtype: "float32", dims: [1, 3], data: found.slice(3 * i, 3 * i + 3) };
      expectClose(await run(model, one, services), { y: part }, 1e-5);
    }
  });

  test("is freed inside a graph whose inputs leave it open", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("w", normals(1, 2, 2));
    b.initializer("shape", int64([3], [1, 2, 2]));
    b.output(b.node("MatMul", [b.node("Reshape", ["x", "shape"]), "w"], { outputs: ["y"] }));
    const prepared = await prepare(b.model(), { feeds: { x: value([3, 4], 1) } }, services);
    expect(prepared.shapes.get("y")!.dims).toEqual([3, 2, 2]);
    expect(prepared.notes.map(({ code }) => code)).toContain("batch-freed");
  });

  test("initial states of one sample serve every sample", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 3, 4]);
    b.initializer("w", normals(1, 1, 12, 4));
    b.initializer("r", normals(2, 1, 12, 3));
    b.initializer("h", normals(3, 1, 1, 3));
    const rows = b.node("Transpose", ["x"], { attributes: { perm: [1, 0, 2] } });
    const [y] = b.nodes("LSTM", [rows, "w", "r", "", "", "h"], { outputs: ["steps"], attributes: { hidden_size: 3 } });
    b.output(b.node("Transpose", [y!], { outputs: ["y"], attributes: { perm: [2, 0, 1, 3] } }));
    const prepared = await prepare(b.model(), { feeds: { x: value([2, 3, 4], 5) } }, services);
    expect(prepared.shapes.get("y")!.dims).toEqual([2, 3, 1, 3]);
  });

  test("a node that mixes samples is named", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 4]);
    b.initializer("w", normals(1, 4, 4));
    b.initializer("axis", int64([1], [0]));
    const x = b.node("MatMul", ["x", "w"]);
    b.output(b.node("ReduceSum", [x, "axis"], { outputs: ["y"], name: "mixer", attributes: { keepdims: 1 } }));
    await expect(prepare(b.model(), { feeds: { x: value([2, 4], 5) } }, services)).rejects.toMatchObject({
      code: "batch-fixed",
      kind: "unsupported",
      node: "mixer",
    });
  });

  test("a shape that takes one sample only is named", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 4]);
    b.initializer("w", normals(1, 1, 4));
    b.initializer("b", normals(1, 4, 4));
    const conv = b.node("Gemm", ["x", "w"], { attributes: { transA: 1 }, name: "crossing" });
    b.output(b.node("MatMul", [conv, "b"], { outputs: ["y"] }));
    await expect(prepare(b.model(), { feeds: { x: value([2, 4], 5) } }, services)).rejects.toMatchObject({
      code: "batch-fixed",
      node: expect.stringContaining("crossing"),
    });
  });
});

describe("what is refused", () => {
  const tiny = () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.initializer("w", normals(1, 4, 4));
    b.output(b.node("MatMul", ["x", "w"], { outputs: ["y"] }));
    return b.model();
  };
  const refused = (model: Model, feeds: Feeds) => expect(prepare(model, { feeds }, services)).rejects;

  test("models that compute with integers", async () => {
    const b = graphBuilder();
    b.input("x", "uint8", ["n", 4]);
    b.initializer("w", tensor("int8", [4, 2], new Int8Array(8).fill(1)));
    b.output(b.node("MatMulInteger", ["x", "w"], { outputs: ["y"], name: "product" }));
    const x: Value = { dtype: "uint8", dims: [1, 4], data: new Uint8Array(4) };
    await refused(b.model(), { x }).toMatchObject({ code: "integer-model", node: "product" });
  });

  test("weights that the graph unpacks; where there are others, they are trained and the packed ones named", async () => {
    const model = (also: boolean) => {
      const b = graphBuilder();
      b.input("x", "float32", ["n", 4]);
      b.initializer("codes", tensor("int8", [4, 4], new Int8Array(16).fill(3)));
      b.initializer("scale", normals(1, 4));
      b.initializer("w", normals(2, 4, 4));
      const weight = b.node("Mul", [b.node("Cast", ["codes"], { attributes: { to: 1 } }), "scale"]);
      const y = b.node("MatMul", ["x", weight], { name: "unpacked" });
      b.output(also ? b.node("MatMul", [y, "w"]) : y);
      return b.model();
    };
    const feeds = { x: value([2, 4], 1) };
    await refused(model(false), feeds).toMatchObject({ code: "packed-weights", node: "unpacked" });
    const prepared = await prepare(model(true), { feeds }, services);
    expect(prepared.weights.map(({ name }) => name)).toEqual(["w"]);
    expect(prepared.notes).toContainEqual(expect.objectContaining({ code: "weight-packed", node: "unpacked" }));
  });

  test("batches that do not fit", async () => {
    await refused(tiny(), {}).toMatchObject({ code: "feed-missing", node: "x" });
    await refused(tiny(), { x: value([2, 5], 1) }).toMatchObject({ code: "feed-shape", node: "x", found: "[2, 5]" });
  });

  test("activations of recurrent layers that are not the usual ones, and too many steps", async () => {
    const layer = (attributes: Record<string, number | string[]>) => {
      const b = graphBuilder();
      b.input("x", "float32", ["t", "n", 2]);
      b.initializer("w", normals(1, 1, 3, 2));
      b.initializer("r", normals(2, 1, 3, 3));
      b.output(
        b.node("RNN", ["x", "w", "r"], {
          outputs: ["y"],
          name: "layer",
          attributes: { hidden_size: 3, ...attributes },
        }),
      );
      return b.model();
    };
    await refused(layer({ activations: ["Relu"] }), { x: value([2, 1, 2], 1) }).toMatchObject({
      code: "lowering-activation",
      node: "layer",
      found: "Relu",
    });
    await refused(layer({}), { x: value([9000, 1, 2], 1) }).toMatchObject({
      code: "lowering-too-large",
      node: "layer",
    });
  });

  test("values that no weight has", async () => {
    const prepared = await prepare(tiny(), { feeds: { x: value([2, 4], 1) } }, services);
    const data = new Float32Array(16);
    await expect(
      prepared.restore(new Map([["nobody", { dtype: "float32", dims: [4, 4], data }]])),
    ).rejects.toMatchObject({
      code: "weight-unknown",
    });
    await expect(
      prepared.restore(new Map([["w", { dtype: "float32", dims: [4], data: data.slice(4) }]])),
    ).rejects.toMatchObject({
      code: "weight-shape",
    });
  });
});
