// A transformer encoder that classifies token sequences, from seeded random weights, as exporters write what encoder.py is in PyTorch.

import { float } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64 } from "../../src/tensor/tensor.js";

export interface EncoderSize {
  readonly tokens: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
  readonly layers: number;
  readonly classes: number;
}

/** Inputs `ids` int64 [batch, length]; output `logits` [batch, classes]. Pre-norm, mean over the tokens at the end. */
export function encoder(size: EncoderSize, seed: number): Model {
  const { tokens, length, width, heads, inner, layers, classes } = size;
  const draw = random(seed);
  const b = graphBuilder("encoder");
  const weight = (name: string, dims: readonly number[], deviation: number, mean = 0) => {
    const count = dims.reduce((all, one) => all * one, 1);
    const values = Float32Array.from({ length: count }, () => mean + deviation * (deviation === 0 ? 0 : draw.normal()));
    return b.initializer(name, float32(dims, values));
  };
  const linear = (x: string, name: string, from: number, to: number) => {
    const product = b.node("MatMul", [x, weight(`${name}.weight`, [from, to], from ** -0.5)]);
    return b.node("Add", [product, weight(`${name}.bias`, [to], 0)]);
  };
  const norm = (x: string, name: string) =>
    b.node("LayerNormalization", [x, weight(`${name}.weight`, [width], 0, 1), weight(`${name}.bias`, [width], 0)], {
      attributes: { axis: -1, epsilon: float(1e-5) },
    });
  const apart = b.initializer("apart", int64([4], [0, 0, heads, width / heads]));
  const joined = b.initializer("joined", int64([3], [0, 0, width]));
  const scale = b.initializer("scale", float32([], [(width / heads) ** -0.5]));
  const split = (x: string, perm: readonly number[]) =>
    b.node("Transpose", [b.node("Reshape", [x, apart])], { attributes: { perm } });

  b.input("ids", "int64", ["batch", length]);
  const embedded = b.node("Gather", [weight("embed.weight", [tokens, width], 1), "ids"], { attributes: { axis: 0 } });
  let x = b.node("Add", [embedded, weight("position", [length, width], 0.02)]);
  for (let layer = 0; layer < layers; layer++) {
    const at = `layers.${layer}`;
    const h = norm(x, `${at}.norm1`);
    const q = split(linear(h, `${at}.q`, width, width), [0, 2, 1, 3]);
    const k = split(linear(h, `${at}.k`, width, width), [0, 2, 3, 1]);
    const v = split(linear(h, `${at}.v`, width, width), [0, 2, 1, 3]);
    const scores = b.node("Mul", [b.node("MatMul", [q, k]), scale]);
    const mixed = b.node("MatMul", [b.node("Softmax", [scores], { attributes: { axis: -1 } }), v]);
    const together = b.node("Reshape", [b.node("Transpose", [mixed], { attributes: { perm: [0, 2, 1, 3] } }), joined]);
    x = b.node("Add", [x, linear(together, `${at}.o`, width, width)]);
    const up = linear(norm(x, `${at}.norm2`), `${at}.up`, width, inner);
    x = b.node("Add", [x, linear(b.node("Gelu", [up]), `${at}.down`, inner, width)]);
  }
  const mean = b.node("ReduceMean", [norm(x, "norm"), b.initializer("tokens", int64([1], [1]))], {
    attributes: { keepdims: 0 },
  });
  const weights = [weight("classify.weight", [classes, width], width ** -0.5), weight("classify.bias", [classes], 0)];
  b.output(b.node("Gemm", [mean, ...weights], { attributes: { transB: 1 }, outputs: ["logits"] }), "float32", [
    "batch",
    classes,
  ]);
  return b.model({ opset: 20 });
}
