// Each operator that static quantization knows, alone and in the chains it meets in real models: the runtime's optimised graph
// holds the planned integer operators and no pair is left between them, and fused results are those of the pairs computed in
// float, within one step of the result's scale (ties round either way where the runtime merges two roundings).
// Long because every operator family is built and proved fused.

import { describe, expect, it } from "vitest";
import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { assertValid } from "../../src/ir/verify.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64 } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { farthest, fusedOf, outputsOf, quantizeStatic, scaleOf } from "../support/static-quantize.js";

const { normal } = random(7);
const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
const normals = (dims: readonly number[], size = 1) =>
  float32(
    dims,
    Array.from({ length: product(dims) }, () => normal() * size),
  );

interface Family {
  readonly dims: readonly number[];
  build(b: GraphBuilder, x: string): string;
  /** Operators that the optimised graph must hold, with how many of each. */
  readonly fused: Readonly<Record<string, number>>;
  /** Pairs that stay, because the ends of the model are float. */
  readonly left?: { readonly quantize: number; readonly dequantize: number };
  /** A value with several readers: where the runtime makes uint8 of int8 (x64), it looks at values of one reader only. */
  readonly shared?: true;
}

let weights = 0;
/** A Conv with weights of its own, of very different sizes from channel to channel, and a bias. */
function conv(
  b: GraphBuilder,
  x: string,
  outputs: number,
  inputs: number,
  kernel: readonly number[],
  more: object = {},
) {
  const name = `w${weights++}`;
  const dims = [outputs, inputs, ...kernel];
  const inner = product(dims.slice(1));
  const values = Array.from(
    { length: product(dims) },
    (_, at) => (normal() * 1.5 ** (Math.floor(at / inner) % 5)) / Math.sqrt(inner),
  );
  b.initializer(name, float32(dims, values));
  b.initializer(`${name}_b`, normals([outputs]));
  return b.node("Conv", [x, name, `${name}_b`], { attributes: { kernel_shape: kernel, ...more } });
}
const relu = (b: GraphBuilder, x: string) => b.node("Relu", [x]);
function product2(b: GraphBuilder, x: string, rows: number, columns: number) {
  const name = b.initializer(`w${weights++}`, normals([rows, columns], 1 / Math.sqrt(rows)));
  return b.node("MatMul", [x, name]);
}

const families: Readonly<Record<string, Family>> = {
  "Conv of signals": {
    dims: [2, 3, 17],
    build: (b, x) => conv(b, x, 5, 3, [3]),
    fused: { QLinearConv: 1 },
  },
  "Conv of images, odd sizes, with Relu": {
    dims: [1, 3, 11, 7],
    build: (b, x) => relu(b, conv(b, x, 5, 3, [3, 2], { strides: [2, 1], pads: [1, 0, 1, 1] })),
    fused: { QLinearConv: 1, Relu: 0 },
  },
  "Conv in groups, then depthwise with Relu6": {
    dims: [1, 6, 9, 9],
    build(b, x) {
      const grouped = conv(b, x, 6, 3, [3, 3], { group: 2 });
      const depthwise = conv(b, grouped, 6, 1, [3, 3], { group: 6 });
      b.initializer("six", float32([], [6]));
      b.initializer("zero", float32([], [0]));
      return b.node("Clip", [depthwise, "zero", "six"]);
    },
    fused: { QLinearConv: 2, Clip: 0 },
  },
  "Conv with a Clip on either side of 0": {
    dims: [1, 3, 5, 5],
    build(b, x) {
      b.initializer("low", float32([], [-1]));
      b.initializer("high", float32([], [1]));
      return b.node("Clip", [conv(b, x, 4, 3, [1, 1]), "low", "high"]);
    },
    fused: { QLinearConv: 1, Clip: 0 },
  },
  "Gemm, turned, with a bias": {
    dims: [3, 10],
    build(b, x) {
      b.initializer("w", normals([7, 10]));
      b.initializer("c", normals([7]));
      return b.node("Gemm", [x, "w", "c"], { attributes: { transB: 1 } });
    },
    fused: { QGemm: 1 },
    left: { quantize: 1, dequantize: 0 },
  },
  "Gemm without a bias, then another": {
    dims: [2, 10],
    build(b, x) {
      b.initializer("w", normals([10, 12]));
      b.initializer("v", normals([12, 5]));
      b.initializer("c", normals([1, 5]));
      return b.node("Gemm", [relu(b, b.node("Gemm", [x, "w"])), "v", "c"]);
    },
    fused: { QGemm: 2, Relu: 0 },
    left: { quantize: 1, dequantize: 0 },
  },
  "Conv, MaxPool and a Relu behind it": {
    dims: [1, 3, 9, 9],
    build(b, x) {
      b.initializer("w", normals([6, 3, 3, 3]));
      b.initializer("v", normals([4, 6, 3, 3]));
      const pooled = b.node("MaxPool", [b.node("Conv", [x, "w"])], { attributes: { kernel_shape: [2, 2] } });
      return b.node("Conv", [relu(b, pooled), "v"]);
    },
    fused: { QLinearConv: 2, MaxPool: 1, Relu: 0 },
    left: { quantize: 1, dequantize: 1 },
  },
  "Gemm with a Relu that float operators read": {
    dims: [2, 10],
    build(b, x) {
      b.initializer("w", normals([10, 12]));
      return b.node("LogSoftmax", [relu(b, b.node("Gemm", [x, "w"]))]);
    },
    fused: { QGemm: 1, FusedGemm: 0, Relu: 0 },
    left: { quantize: 1, dequantize: 1 },
  },
  "MatMul with a bias behind, of matrices": {
    dims: [3, 10],
    build(b, x) {
      b.initializer("c", normals([6]));
      return b.node("Add", ["c", product2(b, x, 10, 6)]);
    },
    fused: { QGemm: 1, Add: 0 },
    left: { quantize: 1, dequantize: 0 },
  },
  "MatMul with a bias behind, of a batch": {
    dims: [2, 3, 10],
    build(b, x) {
      b.initializer("c", normals([6]));
      return b.node("Add", [product2(b, x, 10, 6), "c"]);
    },
    fused: { MatMulIntegerToFloat: 1 },
    left: { quantize: 1, dequantize: 0 },
  },
  "MatMul through a Transpose of its weight": {
    dims: [3, 10],
    build(b, x) {
      b.initializer("w", normals([6, 10]));
      return b.node("MatMul", [x, b.node("Transpose", ["w"])]);
    },
    fused: { MatMulIntegerToFloat: 1, Transpose: 0 },
    left: { quantize: 1, dequantize: 0 },
  },
  "MatMul with one scale for each matrix of a batch": {
    dims: [4, 3, 10],
    build(b, x) {
      b.initializer("w", normals([4, 10, 5]));
      return b.node("MatMul", [x, "w"]);
    },
    fused: { MatMulIntegerToFloat: 1 },
    left: { quantize: 1, dequantize: 0 },
  },
  "a residual connection": {
    shared: true,
    dims: [1, 4, 8, 8],
    build(b, x) {
      const first = relu(b, conv(b, x, 4, 4, [3, 3], { pads: [1, 1, 1, 1] }));
      const inner = conv(b, first, 4, 4, [3, 3], { pads: [1, 1, 1, 1] });
      return conv(b, relu(b, b.node("Add", [inner, first])), 3, 4, [1, 1]);
    },
    fused: { QLinearConv: 3, QLinearAdd: 1, Relu: 0 },
  },
  "an inverted residual": {
    shared: true,
    dims: [1, 4, 8, 8],
    build(b, x) {
      b.initializer("six", float32([], [6]));
      b.initializer("zero", float32([], [0]));
      const six = (value: string) => b.node("Clip", [value, "zero", "six"]);
      const start = conv(b, x, 4, 4, [1, 1]);
      const wide = six(conv(b, start, 12, 4, [1, 1]));
      const deep = six(conv(b, wide, 12, 1, [3, 3], { group: 12, pads: [1, 1, 1, 1] }));
      return conv(b, b.node("Add", [start, conv(b, deep, 4, 12, [1, 1])]), 2, 4, [1, 1]);
    },
    fused: { QLinearConv: 5, QLinearAdd: 1, Clip: 0 },
  },
  "branches joined by Concat": {
    shared: true,
    dims: [1, 4, 8, 8],
    build(b, x) {
      const small = relu(b, conv(b, x, 3, 4, [1, 1]));
      const large = relu(b, conv(b, x, 5, 4, [3, 3], { pads: [1, 1, 1, 1] }));
      return conv(b, b.node("Concat", [small, large], { attributes: { axis: 1 } }), 2, 8, [1, 1]);
    },
    fused: { QLinearConv: 3, QLinearConcat: 1 },
  },
  "squeeze and excite": {
    shared: true,
    dims: [1, 4, 6, 6],
    build(b, x) {
      const value = conv(b, x, 8, 4, [3, 3]);
      const squeezed = b.node("GlobalAveragePool", [value]);
      const gate = b.node("Sigmoid", [conv(b, relu(b, conv(b, squeezed, 3, 8, [1, 1])), 8, 3, [1, 1])]);
      return conv(b, b.node("Mul", [value, gate]), 2, 8, [1, 1]);
    },
    fused: { QLinearConv: 4, QLinearGlobalAveragePool: 1, QLinearSigmoid: 1, QLinearMul: 1 },
  },
  "LeakyRelu and AveragePool": {
    dims: [1, 3, 9, 9],
    build(b, x) {
      const bent = b.node("LeakyRelu", [conv(b, x, 4, 3, [3, 3])], {
        attributes: { alpha: { type: "float", value: 0.1 } },
      });
      const pooled = b.node("AveragePool", [bent], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
      return conv(b, pooled, 2, 4, [1, 1]);
    },
    fused: { QLinearConv: 2, QLinearLeakyRelu: 1, QLinearAveragePool: 1 },
  },
  "operators that only move numbers": {
    dims: [1, 4, 8, 8],
    build(b, x) {
      b.initializer("shape", int64([4], [1, 2, 8, 8]));
      b.initializer("scales", float32([4], [1, 1, 2, 2]));
      b.initializer("starts", int64([2], [0, 1]));
      b.initializer("ends", int64([2], [7, 8]));
      b.initializer("axes", int64([2], [2, 3]));
      const pooled = b.node("MaxPool", [conv(b, x, 8, 4, [1, 1])], {
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      });
      const turned = b.node("Transpose", [pooled], { attributes: { perm: [0, 1, 3, 2] } });
      const deeper = b.node("DepthToSpace", [turned], { attributes: { blocksize: 2 } });
      const shaped = b.node("Reshape", [deeper, "shape"]);
      const larger = b.node("Resize", [shaped, "", "scales"], { attributes: { mode: "nearest" } });
      return conv(b, b.node("Slice", [larger, "starts", "ends", "axes"]), 2, 2, [3, 3]);
    },
    fused: { QLinearConv: 2, MaxPool: 1, DepthToSpace: 1, Resize: 1, Slice: 1 },
  },
  "Split, its parts used apart": {
    dims: [1, 4, 6, 6],
    build(b, x) {
      const [left, right] = b.nodes("Split", [conv(b, x, 6, 4, [1, 1])], { outputs: 2, attributes: { axis: 1 } });
      return b.node("Add", [conv(b, left!, 2, 3, [1, 1]), conv(b, right!, 2, 3, [1, 1])]);
    },
    fused: { QLinearConv: 3, Split: 1, Add: 1 },
    left: { quantize: 1, dequantize: 2 },
  },
  attention: {
    shared: true,
    dims: [1, 5, 8],
    build(b, x) {
      const [q, k, v] = [product2(b, x, 8, 8), product2(b, x, 8, 8), product2(b, x, 8, 8)];
      const scores = b.node("MatMul", [q, b.node("Transpose", [k], { attributes: { perm: [0, 2, 1] } })]);
      return product2(b, b.node("MatMul", [b.node("Softmax", [scores]), v]), 8, 4);
    },
    // Softmax stays float, between a product that gives floats and one that takes integers.
    fused: { QLinearMatMul: 4, MatMulIntegerToFloat: 2, Softmax: 1 },
    left: { quantize: 2, dequantize: 0 },
  },
  "a product by one number": {
    shared: true,
    dims: [1, 3, 5, 5],
    build(b, x) {
      b.initializer("third", float32([], [-0.3333]));
      return conv(b, b.node("Mul", [conv(b, x, 4, 3, [1, 1]), "third"]), 2, 4, [1, 1]);
    },
    fused: { QLinearConv: 2, QLinearMul: 1 },
  },
};

function modelOf({ dims, build }: Family): { model: Model; feeds: readonly Feeds[] } {
  const b = graphBuilder();
  const x = b.input("x", "float32", dims);
  b.output(build(b, x), "float32");
  const feeds = Array.from({ length: 3 }, () => ({
    x: { dtype: "float32" as const, dims, data: Float32Array.from({ length: product(dims) }, () => normal() * 2) },
  }));
  return { model: b.model({ opset: 17 }), feeds };
}

describe.each(["uint8", "int8"] as const)("activations %s", (activations) => {
  const alone = Object.entries(families).filter(([, { shared }]) => activations === "uint8" || !shared);
  it.each(alone)("%s", async (_name, family) => {
    const { model, feeds } = modelOf(family);
    const result = await quantizeStatic(model, feeds, { activations });
    const report = await fusedOf(result);
    expect(report.unfused).toEqual([]);
    for (const [operator, count] of Object.entries(family.fused)) {
      expect([operator, report.operators.get(operator) ?? 0]).toEqual([operator, count]);
    }
    expect(report.conversions).toEqual(family.left ?? { quantize: 1, dequantize: 1 });
    const [output] = Object.keys(await outputsOf(model, feeds[0]!));
    for (const feed of feeds) {
      const fused = (await outputsOf(result.model, feed))[output!]!;
      const simulated = (await outputsOf(result.model, feed, { simulated: true }))[output!]!;
      const float = (await outputsOf(model, feed))[output!]!;
      const step =
        (await scaleOf(result.model, output!).catch(() => undefined)) ?? spread(float.data as Float32Array) / 255;
      expect(farthest(fused, simulated)).toBeLessThan(1.5 * step);
      expect(decibels(float.data as Float32Array, fused.data as Float32Array)).toBeGreaterThan(18);
    }
  });
});

function decibels(right: Float32Array, found: Float32Array): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < right.length; i++) {
    signal += right[i]! ** 2;
    noise += (right[i]! - found[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

const spread = (values: Float32Array) => Math.max(...values, 0) - Math.min(...values, 0);

describe("form qoperator", () => {
  it.each(Object.entries(families))("%s", async (_name, family) => {
    const { model, feeds } = modelOf(family);
    const pairs = await quantizeStatic(model, feeds);
    const result = await quantizeStatic(model, feeds, { form: "qoperator" });
    assertValid(result.model);
    const written = result.model.graph.nodes.map(({ opType }) => opType);
    const planned = result.plan.clusters.map(({ operator }) => operator);
    for (const operator of planned) expect(written).toContain(operator);
    expect(written.filter((opType) => opType === "QuantizeLinear").length).toBe(
      (family.left ?? { quantize: 1 }).quantize,
    );
    const [output] = Object.keys(await outputsOf(model, feeds[0]!));
    for (const feed of feeds.slice(0, 1)) {
      const expected = (await outputsOf(pairs.model, feed))[output!]!;
      const found = (await outputsOf(result.model, feed))[output!]!;
      const step = spread(expected.data as Float32Array) / 100;
      expect(farthest(found, expected)).toBeLessThan(Math.max(step, 1e-6));
    }
  });
});
