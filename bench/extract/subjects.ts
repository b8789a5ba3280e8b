// The float models that self-extracting weights are timed in: one operator each, with a weight of 4 million elements.

import { graphAttribute, int, ints } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import { float32 } from "../../src/tensor/tensor.js";
import type { FeedSpec } from "../targets/runner.js";

export interface Subject {
  readonly name: string;
  readonly feeds: readonly FeedSpec[];
  /** `sparsity`: the share of weights that are zero. */
  make(sparsity?: number): Model;
}

const SIZE = 2048;
const floats = (name: string, ...dims: number[]): FeedSpec => ({ name, dtype: "float32", dims, low: -1, high: 1 });
const indices = (name: string, count: number, high: number): FeedSpec => ({
  name,
  dtype: "int64",
  dims: [count],
  low: 0,
  high,
});

type Weight = (name: string, ...dims: number[]) => string;

const subject = (name: string, feeds: readonly FeedSpec[], build: (b: GraphBuilder, w: Weight) => string): Subject => ({
  name,
  feeds,
  make(sparsity = 0) {
    const b = graphBuilder(name);
    const source = random(1);
    for (const { name: input, dtype, dims } of feeds) b.input(input, dtype, dims);
    const weight: Weight = (called, ...dims) => {
      const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
      for (let at = 0; at < data.length; at++) {
        const value = source.normal() * 0.02;
        data[at] = sparsity > 0 && source.next() < sparsity ? 0 : value;
      }
      return b.initializer(called, float32(dims, data));
    };
    b.output(build(b, weight));
    return b.model({ opset: 17 });
  },
});

const turned = { attributes: { perm: ints([1, 0]) } };

export const subjects: readonly Subject[] = [
  subject("MatMul", [floats("x", 1, SIZE)], (b, w) => b.node("MatMul", ["x", w("w", SIZE, SIZE)])),
  subject("Gemm", [floats("x", 1, SIZE)], (b, w) =>
    b.node("Gemm", ["x", w("w", SIZE, SIZE), w("bias", SIZE)], { attributes: { transB: int(1) } }),
  ),
  subject("Conv", [floats("x", 1, 512, 6, 6)], (b, w) => b.node("Conv", ["x", w("w", 512, 512, 4, 4)])),
  subject("ConvTranspose", [floats("x", 1, 512, 3, 3)], (b, w) =>
    b.node("ConvTranspose", ["x", w("w", 512, 512, 4, 4)], { attributes: { strides: ints([2, 2]) } }),
  ),
  subject("Gather", [indices("i", 512, 16384)], (b, w) => b.node("Gather", [w("w", 16384, 256), "i"])),
  subject("LSTM", [floats("x", 2, 1, 1024)], (b, w) =>
    b.node("LSTM", ["x", w("w", 1, 4096, 1024), w("r", 1, 4096, 1024)], { attributes: { hidden_size: int(1024) } }),
  ),
  subject("tied", [indices("i", 1, 16384)], (b, w) => {
    const rows = b.node("Gather", [w("w", 16384, 256), "i"]);
    return b.node("MatMul", [rows, b.node("Transpose", ["w"], turned)]);
  }),
  subject("inside If", [floats("x", 1, SIZE), indices("flag", 1, 1)], (b, w) => {
    w("outer", SIZE, SIZE);
    const branch = (name: string, operator: string) => {
      const inner = graphBuilder(name, `${name}_`);
      inner.output(inner.node(operator, [inner.node("MatMul", ["x", "outer"])]), "float32", [1, SIZE]);
      return graphAttribute(inner.graph());
    };
    const one = b.node("Cast", [b.node("Squeeze", ["flag"])], { attributes: { to: int(9) } });
    const attributes = { then_branch: branch("yes", "Tanh"), else_branch: branch("no", "Relu") };
    return b.node("If", [one], { attributes });
  }),
];
