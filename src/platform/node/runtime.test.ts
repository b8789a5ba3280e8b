import { describe, expect, test } from "vitest";
import { PareError } from "../../base/errors.js";
import type { Runtime } from "../../engine/runtime.js";
import { type GraphBuilder, graphBuilder, type ModelOptions } from "../../ir/build.js";
import { toBytes } from "../../onnx/encode.js";
import { float32, int64, tensor } from "../../tensor/tensor.js";
import type { Feeds, Value } from "../../tensor/value.js";
import { openRuntime } from "./runtime.js";

const bytesOf = (build: (b: GraphBuilder) => void, options?: ModelOptions) => {
  const b = graphBuilder();
  build(b);
  return toBytes(b.model(options));
};
const floats = (dims: number[], ...data: number[]): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(data),
});

const identity = (dtype: Value["dtype"]) =>
  bytesOf((b) => {
    b.output(b.node("Identity", [b.input("x", dtype, ["n"])], { outputs: ["y"] }), dtype, ["n"]);
  });

describe.each(["native", "wasm"] as const)("%s", (choice) => {
  const runtime: Promise<Runtime> = openRuntime(choice);
  const error = async (bytes: Promise<Uint8Array> | Uint8Array, feeds?: Feeds): Promise<PareError> => {
    try {
      const session = await (await runtime).createSession({ bytes: await bytes });
      await session.run(feeds ?? {});
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(PareError);
      return thrown as PareError;
    }
    throw new Error("it was accepted");
  };

  test("values of each carried type go in and come out", async () => {
    const values: Value[] = [
      floats([3], 1, -2.5, 3e38),
      { dtype: "float64", dims: [2], data: Float64Array.from([1e300, -0]) },
      { dtype: "float16", dims: [3], data: Uint16Array.from([0x3c00, 0xfbff, 1]) },
      { dtype: "int8", dims: [2], data: Int8Array.from([-128, 127]) },
      { dtype: "uint8", dims: [2], data: Uint8Array.from([0, 255]) },
      { dtype: "int16", dims: [1], data: Int16Array.from([-32768]) },
      { dtype: "uint16", dims: [1], data: Uint16Array.from([65535]) },
      { dtype: "int32", dims: [1], data: Int32Array.from([-(2 ** 31)]) },
      { dtype: "uint32", dims: [1], data: Uint32Array.from([2 ** 32 - 1]) },
      { dtype: "int64", dims: [2], data: BigInt64Array.from([-(2n ** 63n), 5n]) },
      { dtype: "uint64", dims: [1], data: BigUint64Array.from([2n ** 64n - 1n]) },
      { dtype: "bool", dims: [2], data: Uint8Array.from([0, 1]) },
      { dtype: "string", dims: [2], data: ["grüß", ""] },
      floats([0]),
    ];
    for (const value of values) {
      const session = await (await runtime).createSession({ bytes: await identity(value.dtype) });
      expect(session.inputs).toEqual([{ name: "x", dtype: value.dtype, shape: ["n"] }]);
      expect(await session.run({ x: value }), value.dtype).toEqual({ y: value });
      await session.release();
    }
  });

  test("types without a JavaScript tensor are refused by name", async () => {
    const refused = await error(identity("bfloat16"), {
      x: { dtype: "bfloat16", dims: [1], data: new Uint16Array(1) },
    });
    expect(refused).toMatchObject({ code: "engine-dtype", kind: "unsupported" });
    // onnxruntime-node would end the process on this output.
    const narrow = bytesOf((b) => {
      b.output(b.node("Cast", [b.input("x", "float32", ["n"])], { outputs: ["y"], attributes: { to: 21 } }));
    });
    expect(await error(narrow, { x: floats([1], 1) })).toMatchObject({ code: "engine-dtype", node: "y" });
  });

  test("wrong feeds are named before anything runs", async () => {
    const bytes = identity("float32");
    expect(await error(bytes, {})).toMatchObject({ code: "engine-feed-missing", node: "x" });
    expect(await error(bytes, { x: floats([1], 1), z: floats([1], 1) })).toMatchObject({ code: "engine-feed-unknown" });
    expect(await error(bytes, { x: { dtype: "int8", dims: [1], data: new Int8Array(1) } })).toMatchObject({
      code: "engine-dtype",
      expected: "float32",
      found: "int8",
    });
    expect(await error(bytes, { x: floats([2], 1) })).toMatchObject({ code: "value-length", node: "x" });
    expect(await error(bytes, { x: floats([1, 1], 1) })).toMatchObject({ code: "engine-shape", node: "x" });
    const fixed = bytesOf((b) => {
      b.output(b.node("Relu", [b.input("x", "float32", [1, 4])]), "float32");
    });
    expect(await error(fixed, { x: floats([1, 3], 1, 2, 3) })).toMatchObject({
      code: "engine-shape",
      node: "x",
      expected: "axis 1: 4",
      found: "axis 1: 3",
    });
  });

  test("a node that fails while running is named, the innermost one in a subgraph", async () => {
    const gather = (b: GraphBuilder) => {
      const table = b.initializer("table", float32([2, 1], [1, 2]));
      b.output(b.node("Gather", [table, b.input("x", "int64", ["n"])], { name: "lookup" }), "float32");
    };
    const feeds: Feeds = { x: { dtype: "int64", dims: [1], data: BigInt64Array.from([9n]) } };
    expect(await error(bytesOf(gather), feeds)).toMatchObject({ code: "engine-run-failed", node: "lookup (Gather)" });

    const inner = graphBuilder("then");
    inner.output(inner.node("Reshape", ["x", inner.initializer("shape", int64([1], [7]))], { name: "inside" }));
    const branch = { type: "graph" as const, value: inner.graph() };
    const nested = bytesOf((b) => {
      b.input("x", "float32", ["n"]);
      const always = b.input("always", "bool", []);
      b.output(b.node("If", [always], { attributes: { then_branch: branch, else_branch: branch } }), "float32");
    });
    const refused = await error(nested, {
      x: floats([2], 1, 2),
      always: { dtype: "bool", dims: [], data: Uint8Array.of(1) },
    });
    expect(refused.code).toBe("engine-shape");
    expect(refused.hint).toContain("--shape");
    expect(refused.message).not.toContain("onnxruntime/core");
  });

  test("a model that does not load: why, and where the runtime says it", async () => {
    const unknown = bytesOf((b) => {
      b.output(b.node("Nonsense", [b.input("x", "float32", [1])], { name: "odd" }), "float32");
    });
    expect(await error(unknown)).toMatchObject({ code: "engine-operator", kind: "unsupported" });
    const missing = bytesOf((b) => {
      const w = b.initializer("w", tensor("float64", [1, 1, 1, 1], new Float64Array(1)));
      b.output(b.node("Conv", [b.input("x", "float64", [1, 1, 2, 2]), w], { name: "wide" }), "float64");
    });
    expect(await error(missing)).toMatchObject({ code: "engine-operator", node: "wide (Conv)" });
    const types = bytesOf((b) => {
      const w = b.initializer("w", int64([1], [1]));
      b.output(b.node("Add", [b.input("x", "float32", [1]), w], { name: "sum" }), "float32");
    });
    expect(await error(types)).toMatchObject({ code: "engine-load-failed", node: "sum" });
    const future = bytesOf(
      (b) => {
        b.output(b.node("Relu", [b.input("x", "float32", [1])]), "float32");
      },
      { opset: 99 },
    );
    expect(await error(future)).toMatchObject({ code: "engine-too-old", kind: "unsupported" });
    expect(await error(new Uint8Array([1, 2, 3]))).toMatchObject({ code: "engine-load-failed" });
  });

  test("an output that is not a tensor is refused by name", async () => {
    const sequence = bytesOf((b) => {
      b.output(b.node("SplitToSequence", [b.input("x", "float32", [2])], { outputs: ["parts"] }));
    });
    expect(await error(sequence, { x: floats([2], 1, 2) })).toMatchObject({
      code: "engine-output-kind",
      node: "parts",
    });
  });

  test("fetches pick outputs", async () => {
    const two = await bytesOf((b) => {
      const x = b.input("x", "float32", [1]);
      b.output(b.node("Neg", [x], { outputs: ["a"] }), "float32");
      b.output(b.node("Abs", [x], { outputs: ["b"] }), "float32");
    });
    const session = await (await runtime).createSession({ bytes: two }, { optimize: "off", threads: 1 });
    expect(Object.keys(await session.run({ x: floats([1], -1) }, ["b"]))).toEqual(["b"]);
    await expect(session.run({ x: floats([1], -1) }, ["c"])).rejects.toMatchObject({ code: "engine-output-unknown" });
  });
});

test("session config reaches the runtime", async () => {
  const runtime = await openRuntime("native");
  const bytes = await identity("float32");
  const config = { "session.load_model_format": "ORT" };
  await expect(runtime.createSession({ bytes }, { config })).rejects.toMatchObject({ code: "engine-load-failed" });
});

test("the WASM runtime says that it is a substitute, and the remedy; the native one does not", async () => {
  const wasm = await openRuntime("wasm");
  expect(wasm).toMatchObject({ name: "onnxruntime-web", provider: "wasm", acceptsPath: false });
  expect(wasm.fallback).toMatchObject({ level: "warning", code: "runtime-fallback" });
  expect(wasm.fallback?.text).toContain("ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node");
  const native = await openRuntime("native");
  expect(native).toMatchObject({ name: "onnxruntime-node", provider: "cpu", acceptsPath: true });
  expect(native.fallback).toBeUndefined();
});

test("a provider that the machine lacks is named", async () => {
  const runtime = await openRuntime("native");
  const bytes = await identity("float32");
  await expect(runtime.createSession({ bytes }, { provider: "coreml" })).rejects.toMatchObject({ kind: "failed" });
});
