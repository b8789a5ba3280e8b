// What the zoo's models are made of: trained-like weights and feeds from a seed, and a few layers.

import type { GraphBuilder } from "../../../src/ir/build.js";
import type { Model } from "../../../src/ir/model.js";
import { toFloat16 } from "../../../src/tensor/float16.js";
import { type Random, random } from "../../../src/tensor/random.js";
import { float32, int64, type Tensor, tensor } from "../../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../../src/tensor/value.js";

export interface ZooModel {
  readonly name: string;
  readonly model: Model;
  /** One batch that the model runs on. */
  readonly feeds: Feeds;
}

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** Normal numbers times `scale`. */
export function normals(r: Random, dims: readonly number[], scale = 1): Float32Array {
  return Float32Array.from({ length: count(dims) }, () => r.normal() * scale);
}

/** Weights as training leaves them: normal, scaled by the root of the fan-in, rows of different size. */
export function weight(r: Random, dims: readonly number[], fanIn: number): Tensor {
  return float32(dims, normals(r, dims, 1 / Math.sqrt(fanIn)));
}

export const bias = (r: Random, n: number): Tensor => float32([n], normals(r, [n], 0.1));

/** Positive numbers around 1: variances and gains. */
export const positive = (r: Random, n: number): Tensor =>
  float32(
    [n],
    Float32Array.from({ length: n }, () => 0.5 + r.next()),
  );

export function half(values: Float32Array, dims: readonly number[]): Tensor {
  return tensor("float16", dims, toFloat16(values));
}

/** x MatMul w + b, with weights [from, to]. */
export function linear(b: GraphBuilder, r: Random, name: string, x: string, from: number, to: number): string {
  const w = b.initializer(`${name}.weight`, weight(r, [from, to], from));
  const c = b.initializer(`${name}.bias`, bias(r, to));
  const product = b.node("MatMul", [x, w], { name: `${name}/MatMul` });
  return b.node("Add", [product, c], { name: `${name}/Add` });
}

export interface ConvOptions {
  readonly group?: number;
  readonly kernel?: number;
  readonly stride?: number;
}

/** Conv without bias and BatchNormalization, as exporters leave them; weights [to, from / group, k, k]. */
export function convNorm(
  b: GraphBuilder,
  r: Random,
  name: string,
  x: string,
  from: number,
  to: number,
  { group = 1, kernel = 3, stride = 1 }: ConvOptions = {},
): string {
  const dims = [to, from / group, kernel, kernel];
  const w = b.initializer(`${name}.weight`, weight(r, dims, (from / group) * kernel * kernel));
  const pad = (kernel - 1) / 2;
  const y = b.node("Conv", [x, w], {
    name: `${name}/Conv`,
    attributes: {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group,
    },
  });
  return batchNorm(b, r, name, y, to);
}

export function batchNorm(b: GraphBuilder, r: Random, name: string, x: string, channels: number): string {
  const inputs = [
    b.initializer(`${name}.bn.weight`, positive(r, channels)),
    b.initializer(`${name}.bn.bias`, bias(r, channels)),
    b.initializer(`${name}.bn.mean`, bias(r, channels)),
    b.initializer(`${name}.bn.var`, positive(r, channels)),
  ];
  return b.node("BatchNormalization", [x, ...inputs], { name: `${name}/BatchNormalization` });
}

export function layerNorm(b: GraphBuilder, r: Random, name: string, x: string, width: number): string {
  const inputs = [b.initializer(`${name}.gain`, positive(r, width)), b.initializer(`${name}.shift`, bias(r, width))];
  return b.node("LayerNormalization", [x, ...inputs], { name, attributes: { axis: -1 } });
}

/** A weight list as an int64 initializer. */
export const list = (b: GraphBuilder, name: string, values: readonly number[]) =>
  b.initializer(name, int64([values.length], values));

export const floats = (dims: readonly number[], data: Float32Array): Value => ({ dtype: "float32", dims, data });
export const ids = (r: Random, dims: readonly number[], below: number): Value => ({
  dtype: "int64",
  dims,
  data: BigInt64Array.from({ length: count(dims) }, () => BigInt(r.int(below))),
});
export const longs = (dims: readonly number[], values: readonly number[]): Value => ({
  dtype: "int64",
  dims,
  data: BigInt64Array.from(values, BigInt),
});

/** Each model has its own seed, so that adding one changes no other. */
export const seeded = (name: string): Random => random([...name].reduce((h, c) => (h * 31 + c.charCodeAt(0)) | 0, 7));
