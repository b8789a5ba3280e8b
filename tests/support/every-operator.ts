// One model with every operator that holds weights, each with one of its own: for what is decoded at load, whatever the format.

import { float, graphAttribute, int, ints } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64, type Tensor } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { value, weight } from "./quantize-cases.js";

/** What it is run on. */
export const feeds: Feeds = {
  x: value(3, 80),
  wide: value(1, 4100),
  image: value(1, 16, 7, 7),
  words: { dtype: "int64", dims: [4], data: BigInt64Array.from([1n, 2n, 3n, -1n]) },
  steps: value(3, 2, 32),
  flag: { dtype: "bool", dims: [], data: Uint8Array.of(1) },
};

/** Weights of 256 elements and more in it: biases are not counted. */
export const LARGE_WEIGHTS = 21;

/** Blocks of 32 come out even, short and across odd rows, and of one weight there are more than 256. */
export function everyOperator(weightOf: (...dims: number[]) => Tensor = weight): Model {
  const b = graphBuilder();
  for (const [name, { dtype, dims }] of Object.entries(feeds)) b.input(name, dtype, dims);
  const w = (name: string, ...dims: number[]) => b.initializer(name, weightOf(...dims));
  b.output(b.node("MatMul", ["x", w("even", 80, 48)]));
  b.output(b.node("MatMul", ["x", w("odd", 80, 37)]));
  b.output(b.node("MatMul", ["wide", w("long", 4100, 3)]));
  const attributes = { transB: int(1), alpha: float(0.5) };
  b.output(b.node("Gemm", ["x", w("gemm", 47, 80), b.initializer("bias", weight(47))], { attributes }));
  b.output(b.node("Conv", ["image", w("conv", 24, 16, 3, 3)]));
  b.output(b.node("Conv", ["image", w("depthwise", 32, 1, 5, 5)], { attributes: { group: int(16) } }));
  b.output(b.node("ConvTranspose", ["image", w("deconv", 16, 12, 2, 2)]));
  b.output(b.node("Gather", [w("table", 60, 67), "words"]));
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
  b.initializer("outer", weightOf(80, 48));
  const branch = (name: string) => {
    const inner = graphBuilder(name, `${name}_`);
    inner.initializer(`${name}_own`, weightOf(80, 48));
    const own = inner.node("MatMul", ["x", `${name}_own`]);
    inner.output(inner.node("Add", [own, inner.node("MatMul", ["x", "outer"])]), "float32", [3, 48]);
    return graphAttribute(inner.graph());
  };
  b.output(b.node("If", ["flag"], { attributes: { then_branch: branch("yes"), else_branch: branch("no") } }));
  return b.model({ opset: 17, opsets: { "com.microsoft": 1 } });
}

/** Normal numbers, of which the given share are 0 instead. */
export function sparseWeights(share: number, seed = 11): (...dims: number[]) => Tensor {
  const draw = random(seed);
  return (...dims) =>
    float32(
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () =>
        draw.next() < share ? 0 : draw.normal() * 0.2,
      ),
    );
}
