// Generated models of 500 nodes for timing groups and cuts: a residual network and a transformer encoder.

import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64 } from "../../src/tensor/tensor.js";

function drawer(b: GraphBuilder) {
  const r = random(1);
  return (name: string, dims: readonly number[], fan = 1) => {
    const count = dims.reduce((all, dim) => all * dim, 1);
    const values = Float32Array.from({ length: count }, () =>
      fan === 0 ? 0.5 + r.next() : r.normal() / Math.sqrt(fan),
    );
    return b.initializer(name, float32(dims, values));
  };
}

/** 4 nodes a block: convolution, normalisation, Relu, and an Add with the block before. 64 channels at 8 x 8. */
export function residualOf(blocks: number): Model {
  const b = graphBuilder("residual");
  const draw = drawer(b);
  b.input("x", "float32", ["batch", 64, 8, 8]);
  let stream = "x";
  for (let at = 0; at < blocks; at++) {
    const name = `block${at}`;
    const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    const made = b.node("Conv", [stream, draw(`${name}.weight`, [64, 64, 3, 3], 576)], { name, attributes });
    const parts = ["scale", "shift", "mean"].map((part) => draw(`${name}.${part}`, [64], part === "scale" ? 0 : 9));
    const normed = b.node("BatchNormalization", [made, ...parts, draw(`${name}.variance`, [64], 0)]);
    const active = b.node("Relu", [normed]);
    // Every second block changes what the stream is, so that groups come and go.
    stream = at % 2 === 0 ? active : b.node("Add", [stream, active]);
    if (at % 2 === 0) stream = b.node("LeakyRelu", [stream]);
  }
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [stream])]);
  b.output(b.node("MatMul", [flat, draw("out", [64, 10], 64)]), "float32", ["batch", 10]);
  return b.model({ opset: 17 });
}

/** About 31 nodes a layer: attention in plain operators with eight heads, LayerNormalization, a feed-forward part. */
export function encoderOf(layers: number): Model {
  const b = graphBuilder("encoder");
  const draw = drawer(b);
  const [width, inner, heads] = [256, 1024, 8];
  b.input("ids", "int64", ["batch", "length"]);
  const ints = (name: string, list: readonly number[]) => b.initializer(name, int64([list.length], list));
  ints("split", [0, 0, heads, width / heads]);
  ints("join", [0, 0, width]);
  b.initializer("root", float32([], [Math.sqrt(width / heads)]));
  const linear = (name: string, x: string, from: number, to: number) =>
    b.node("Add", [b.node("MatMul", [x, draw(`${name}.weight`, [from, to], from)]), draw(`${name}.bias`, [to], 9)]);
  const norm = (name: string, x: string) =>
    b.node("LayerNormalization", [x, draw(`${name}.gain`, [width], 0), draw(`${name}.shift`, [width], 9)]);
  let x = b.node("Gather", [draw("table", [1000, width]), "ids"]);
  for (let at = 0; at < layers; at++) {
    const name = `layer${at}`;
    const part = (id: string, perm: readonly number[]) => {
      const split = b.node("Reshape", [linear(`${name}.${id}`, x, width, width), "split"]);
      return b.node("Transpose", [split], { attributes: { perm } });
    };
    const scores = b.node("MatMul", [part("q", [0, 2, 1, 3]), part("k", [0, 2, 3, 1])]);
    const weights = b.node("Softmax", [b.node("Div", [scores, "root"])], { attributes: { axis: -1 } });
    const mixed = b.node("MatMul", [weights, part("v", [0, 2, 1, 3])]);
    const joined = b.node("Reshape", [b.node("Transpose", [mixed], { attributes: { perm: [0, 2, 1, 3] } }), "join"]);
    const middle = norm(`${name}.norm1`, b.node("Add", [x, linear(`${name}.o`, joined, width, width)]));
    const up = b.node("Relu", [linear(`${name}.up`, middle, width, inner)]);
    x = norm(`${name}.norm2`, b.node("Add", [middle, linear(`${name}.down`, up, inner, width)]));
  }
  b.output(linear("out", x, width, 4), "float32", ["batch", "length", 4]);
  return b.model({ opset: 17 });
}
