// What the graphs of the pruning tests are made of: a builder with layers, sizes and weights drawn from a seed.

import type { AttributeInput } from "../../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder, type ModelOptions } from "../../../src/ir/build.js";
import type { Model } from "../../../src/ir/model.js";
import { random } from "../../../src/tensor/random.js";
import { float32, int64, type Tensor } from "../../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../../src/tensor/value.js";

export interface PatternCase {
  readonly model: Model;
  readonly feeds: Feeds;
  /** By name of a group: how many units may go. What is not listed must stay. */
  readonly free: Readonly<Record<string, number>>;
  /** By a weight that makes channels which must stay: what the reason says. */
  readonly kept?: Readonly<Record<string, RegExp>>;
}

/** A pattern of graphs: sizes and weights depend on the seed. */
export interface Pattern {
  readonly name: string;
  make(seed: number): PatternCase;
}

export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly group?: number;
  /** Default: as large as keeps the size (odd kernels). */
  readonly pad?: number;
  readonly bias?: boolean;
  readonly dilation?: number;
}

export interface Net {
  readonly b: GraphBuilder;
  /** An integer, both ends included. */
  size(least: number, most: number): number;
  normals(dims: readonly number[], scale?: number): Tensor;
  /** Around 1, never near 0. */
  positive(dims: readonly number[]): Tensor;
  ints(values: readonly number[]): string;
  scalar(value: number): string;
  constant(name: string, tensor: Tensor): string;
  op(type: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeInput>>): string;
  conv(name: string, x: string, from: number, to: number, options?: ConvOptions): string;
  /** Batch normalization. */
  norm(name: string, x: string, channels: number): string;
  /** MatMul, then Add. */
  linear(name: string, x: string, from: number, to: number, bias?: boolean): string;
  /** Global average pooling, Flatten, Gemm: gives the output. */
  classify(x: string, channels: number): void;
  image(channels: number, side: number): Value;
  done(feeds: Feeds, free: PatternCase["free"], kept?: PatternCase["kept"], options?: ModelOptions): PatternCase;
}

const count = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);

export function net(seed: number): Net {
  const r = random(seed);
  const b = graphBuilder("pattern");
  let constants = 0;
  const draw = (dims: readonly number[], scale = 1) =>
    Float32Array.from({ length: count(dims) }, () => r.normal() * scale);
  const self: Net = {
    b,
    size: (least, most) => least + r.int(most - least + 1),
    normals: (dims, scale) => float32(dims, draw(dims, scale)),
    positive: (dims) =>
      float32(
        dims,
        Float32Array.from({ length: count(dims) }, () => 0.6 + 0.8 * r.next()),
      ),
    ints: (values) => b.initializer(`ints_${constants++}`, int64([values.length], values)),
    scalar: (value) => b.initializer(`scalar_${constants++}`, float32([], [value])),
    constant: (name, tensor) => b.initializer(name, tensor),
    op: (type, inputs, attributes = {}) => b.node(type, inputs, { attributes }),
    conv(name, x, from, to, { kernel = 3, stride = 1, group = 1, dilation = 1, pad, bias = true } = {}) {
      const dims = [to, from / group, kernel, kernel];
      const inputs = [x, b.initializer(`${name}.weight`, self.normals(dims, 1 / Math.sqrt(count(dims.slice(1)))))];
      if (bias) inputs.push(b.initializer(`${name}.bias`, self.normals([to], 0.3)));
      const edge = pad ?? ((kernel - 1) / 2) * dilation;
      const attributes = {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        dilations: [dilation, dilation],
        pads: [edge, edge, edge, edge],
        group,
      };
      return b.node("Conv", inputs, { name, attributes });
    },
    norm(name, x, channels) {
      const inputs = [
        b.initializer(`${name}.scale`, self.positive([channels])),
        b.initializer(`${name}.shift`, self.normals([channels], 0.4)),
        b.initializer(`${name}.mean`, self.normals([channels], 0.3)),
        b.initializer(`${name}.var`, self.positive([channels])),
      ];
      return b.node("BatchNormalization", [x, ...inputs], { name });
    },
    linear(name, x, from, to, bias = true) {
      const w = b.initializer(`${name}.weight`, self.normals([from, to], 1 / Math.sqrt(from)));
      const product = b.node("MatMul", [x, w], { name });
      return bias ? b.node("Add", [product, b.initializer(`${name}.bias`, self.normals([to], 0.3))]) : product;
    },
    classify(x, channels) {
      const flat = self.op("Flatten", [self.op("GlobalAveragePool", [x])]);
      const w = b.initializer("classify.weight", self.normals([5, channels], 1 / Math.sqrt(channels)));
      const c = b.initializer("classify.bias", self.normals([5], 0.3));
      b.node("Gemm", [flat, w, c], { attributes: { transB: 1 }, outputs: ["y"] });
      b.output("y", "float32", ["batch", 5]);
    },
    image(channels, side) {
      b.input("x", "float32", ["batch", channels, side, side]);
      const dims = [2, channels, side, side];
      return { dtype: "float32", dims, data: draw(dims) };
    },
    done: (feeds, free, kept = {}, options = {}) => ({ model: b.model({ opset: 17, ...options }), feeds, free, kept }),
  };
  return self;
}

/** Random numbers for an input, listed as one of the graph. */
export function input(n: Net, name: string, shape: readonly (string | number)[], dims: readonly number[]): Value {
  n.b.input(name, "float32", shape);
  const bytes = n.normals(dims).data.bytes!;
  return { dtype: "float32", dims, data: new Float32Array(bytes.slice().buffer) };
}

/** Token ids below `below`. */
export function tokens(n: Net, name: string, dims: readonly number[], below: number): Value {
  n.b.input(name, "int64", ["batch", "length"]);
  return {
    dtype: "int64",
    dims,
    data: BigInt64Array.from({ length: count(dims) }, () => BigInt(n.size(0, below - 1))),
  };
}
