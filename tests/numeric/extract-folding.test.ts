// Self-extracting weights of every number format, under every operator that holds weights: ONNX Runtime has decoded them
// all once it has loaded the model, on the CPU (the optimised graph) and on WASM (the profile of what ran).

import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { float, graphAttribute, int, ints } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { everyNode } from "../../src/ir/traverse.js";
import { assertValid } from "../../src/ir/verify.js";
import { formats, isPlain } from "../../src/quantize/formats/index.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64, type Tensor } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { cpuOperators, type WasmRun, wasmRun } from "../support/loaded-operators.js";
import { normals, value } from "../support/quantize-cases.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

const feeds: Feeds = {
  x: value(3, 80),
  image: value(1, 16, 7, 7),
  words: { dtype: "int64", dims: [4], data: BigInt64Array.from([1n, 2n, 3n, -1n]) },
  steps: value(3, 2, 32),
  flag: { dtype: "bool", dims: [], data: Uint8Array.of(1) },
};

/** Every operator that holds weights, each with one of its own; blocks of 32 come out even, short and across odd rows. */
function everyOperator(weight: (...dims: number[]) => Tensor): Model {
  const b = graphBuilder();
  for (const [name, { dtype, dims }] of Object.entries(feeds)) b.input(name, dtype, dims);
  const w = (name: string, ...dims: number[]) => b.initializer(name, weight(...dims));
  b.output(b.node("MatMul", ["x", w("even", 80, 48)]));
  b.output(b.node("MatMul", ["x", w("odd", 80, 37)]));
  const attributes = { transB: int(1), alpha: float(0.5) };
  b.output(b.node("Gemm", ["x", w("gemm", 48, 80), b.initializer("bias", weight(48))], { attributes }));
  b.output(b.node("Conv", ["image", w("conv", 24, 16, 3, 3)]));
  b.output(b.node("ConvTranspose", ["image", w("deconv", 16, 12, 2, 2)]));
  b.output(b.node("Gather", [w("table", 60, 64), "words"]));
  const rows = b.node("Gather", [w("tied", 90, 64), "words"]);
  b.output(b.node("MatMul", [rows, b.node("Transpose", ["tied"], { attributes: { perm: ints([1, 0]) } })]));
  const turned = b.node("Transpose", [w("turned", 48, 80)], { attributes: { perm: ints([1, 0]) } });
  b.output(b.node("MatMul", ["x", turned]));
  for (const [type, gates] of [
    ["LSTM", 4],
    ["GRU", 3],
    ["RNN", 1],
  ] as const) {
    const inputs = ["steps", w(`${type}_w`, 1, gates * 16, 32), w(`${type}_r`, 1, gates * 16, 16)];
    b.output(b.node(type, inputs, { attributes: { hidden_size: int(16) } }));
  }
  const attention = { domain: "com.microsoft", attributes: { num_heads: int(4) } };
  b.output(b.node("Attention", ["steps", w("qkv", 32, 96), b.initializer("qkv_bias", weight(96))], attention));
  const shaped = b.node("Reshape", [w("flat", 3840), b.initializer("shape", int64([2], [80n, 48n]))]);
  b.output(b.node("MatMul", ["x", shaped]));
  b.initializer("outer", weight(80, 48));
  const branch = (name: string) => {
    const inner = graphBuilder(name, `${name}_`);
    inner.initializer(`${name}_own`, weight(80, 48));
    const sum = inner.node("Add", [inner.node("MatMul", ["x", `${name}_own`]), inner.node("MatMul", ["x", "outer"])]);
    inner.output(sum, "float32", [3, 48]);
    return graphAttribute(inner.graph());
  };
  b.output(b.node("If", ["flag"], { attributes: { then_branch: branch("yes"), else_branch: branch("no") } }));
  return b.model({ opset: 17, opsets: { "com.microsoft": 1 } });
}

const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
const zeros = random(11);
const sparse = everyOperator((...dims) =>
  float32(
    dims,
    normals(count(dims), 0.2).map((x) => (zeros.next() < 0.9 ? 0 : x)),
  ),
);
const dense = everyOperator((...dims) => float32(dims, normals(count(dims), 0.2)));

/** Each format as it is by default, and the other things that share a scale, where they decode by another graph. */
const asked: readonly (readonly [string, object])[] = [
  ...formats.list.map((format): readonly [string, object] => [
    format.name,
    format.name === "float16" ? { compute: "stored" } : isPlain(format) ? {} : { form: "extract" },
  ]),
  ...(["tensor", "channel"] as const).flatMap((granularity) =>
    ["int3", "uint4", "nf4", "ternary", "float8e4m3fn"].map((format): readonly [string, object] => [
      format,
      { form: "extract", granularity },
    ]),
  ),
  ["uint8", { form: "extract", granularity: "block", block: 16 }],
  ["uint16", { form: "extract", granularity: "tensor" }],
  ["int5", { form: "extract", scales: "float32", block: 64 }],
  ["uint2", { form: "extract", scales: "float16", symmetric: true }],
  ["codebook", { form: "extract", granularity: "channel", entries: 6, group: 4 }],
  ["codebook", { form: "extract", granularity: "tensor", entries: 256 }],
];

/** Nine of ten are zero: one bit a weight and the others packed, found by counting. */
const asAsked: readonly (readonly [string, object])[] = [
  ["float32", { sparse: "bitmask" }],
  ["int8", { form: "extract", sparse: "bitmask" }],
  ["int4", { form: "extract", sparse: "bitmask" }],
  ["nf4", { form: "extract", sparse: "bitmask" }],
  ["codebook", { form: "extract", sparse: "bitmask" }],
];

async function folded(model: Model, weights: string, options: object) {
  const parsed = quantizeStep.options.parse({ weights, minimum: 16, ...options });
  const { model: made } = await quantizeStep.apply(model, parsed, stepContext([feeds]));
  assertValid(made);
  return made;
}

describe("what is decoded at load", () => {
  let float: { readonly cpu: readonly string[]; readonly wasm: WasmRun };
  beforeAll(async () => {
    float = { cpu: await cpuOperators(dense), wasm: await wasmRun(dense, feeds) };
    expect(float.wasm.operators).toContain("ConvTranspose");
  });

  it("is told from what is not: a graph that decodes at each run has other operators", async () => {
    const native = await folded(dense, "int8", { form: "dequantize" });
    expect(await cpuOperators(native)).not.toEqual(float.cpu);
    expect((await wasmRun(native, feeds)).operators).not.toEqual(float.wasm.operators);
  });

  it.each(asked)("%s %j", async (weights, options) => {
    const made = await folded(dense, weights, options);
    // Every weight was taken: the file holds none of them as float32.
    const kept = [...made.graph.initializers].filter(
      ([name, { dtype, dims }]) => dense.graph.initializers.has(name) && dtype === "float32" && count(dims) > 300,
    );
    expect(kept.map(([name]) => name)).toEqual([]);
    await proved(made);
  });

  it.each(asAsked)("of mostly zeros: %s %j", async (weights, options) => {
    const made = await folded(sparse, weights, options);
    const counting = [...everyNode(made)].filter(({ opType }) => opType === "CumSum");
    expect(counting.length).toBeGreaterThan(8);
    await proved(made);
  });

  async function proved(made: Model): Promise<void> {
    expect(await cpuOperators(made)).toEqual(float.cpu);
    const wasm = await wasmRun(made, feeds);
    expect(wasm.operators).toEqual(float.wasm.operators);
    const cpu = await run(made, feeds, services);
    for (const [name, { data }] of Object.entries(cpu)) {
      const [a, b] = [data as Float32Array, wasm.outputs[name]!];
      expect(
        a.some((x) => x !== 0),
        name,
      ).toBe(true);
      const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(Math.max(...a.map((x, at) => Math.abs(x - b[at]!))), name).toBeLessThan(1e-5 * largest);
    }
  }
});
