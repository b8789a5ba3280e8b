// Small transformer blocks as exporters write them, for tests of what rewrites them: pre-norm attention, grouped heads, MLPs.

import type { GraphBuilder } from "../../src/ir/build.js";
import { float32, int64, type Tensor } from "../../src/tensor/tensor.js";
import { normals, weight } from "./proved.js";

export const WIDTH = 32;
const HEADS = 4;
const HEAD = WIDTH / HEADS;

/** A matrix whose products have about the size of what they are multiplied with. */
export const matrix = (rows: number, columns: number, seed: number): Tensor =>
  float32(
    [rows, columns],
    normals([rows, columns], seed).map((x) => x / Math.sqrt(rows)),
  );

/** Gains around 1, one of them `outlier` times as large. */
export const gains = (seed: number, outlier = 1): Tensor =>
  float32(
    [WIDTH],
    normals([WIDTH], seed).map((x, at) => (1 + 0.2 * x) * (at === 5 ? outlier : 1)),
  );

const linear = (b: GraphBuilder, x: string, name: string, rows: number, columns: number, seed: number) => {
  const product = b.node("MatMul", [x, b.initializer(`${name}.weight`, matrix(rows, columns, seed))], { name });
  return b.node("Add", [product, b.initializer(`${name}.bias`, weight([columns], seed + 1))]);
};

const heads = (b: GraphBuilder, x: string, count: number, perm: readonly number[]) => {
  const shape = b.initializer(`${x}.heads`, int64([4], [0, -1, count, HEAD]));
  return b.node("Transpose", [b.node("Reshape", [x, shape])], { attributes: { perm } });
};

const joined = (b: GraphBuilder, x: string) => {
  const shape = b.initializer(`${x}.joined`, int64([3], [0, -1, WIDTH]));
  return b.node("Reshape", [b.node("Transpose", [x], { attributes: { perm: [0, 2, 1, 3] } }), shape]);
};

export interface BlockOptions {
  /** How much larger one channel of the norms' results is. */
  readonly outlier?: number;
}

/** LayerNormalization, four heads, residual; LayerNormalization, MLP with Relu, residual. Input x [1, n, WIDTH]. */
export function encoderBlock(b: GraphBuilder, { outlier = 1 }: BlockOptions = {}): void {
  b.input("x", "float32", [1, "n", WIDTH]);
  const norm = (x: string, name: string, seed: number) => {
    const scale = b.initializer(`${name}.weight`, gains(seed, outlier));
    return b.node("LayerNormalization", [x, scale, b.initializer(`${name}.bias`, weight([WIDTH], seed + 1))], {
      name,
      outputs: [name],
    });
  };
  const h = norm("x", "norm1", 1);
  const q = heads(b, linear(b, h, "q", WIDTH, WIDTH, 10), HEADS, [0, 2, 1, 3]);
  const k = heads(b, linear(b, h, "k", WIDTH, WIDTH, 20), HEADS, [0, 2, 3, 1]);
  const v = heads(b, linear(b, h, "v", WIDTH, WIDTH, 30), HEADS, [0, 2, 1, 3]);
  const o = linear(b, joined(b, attended(b, q, k, v)), "o", WIDTH, WIDTH, 40);
  const middle = b.node("Add", ["x", o]);
  const inner = b.node("Relu", [linear(b, norm(middle, "norm2", 3), "up", WIDTH, 2 * WIDTH, 50)]);
  b.output(b.node("Add", [middle, linear(b, inner, "down", 2 * WIDTH, WIDTH, 60)], { outputs: ["y"] }), "float32");
}

function attended(b: GraphBuilder, q: string, k: string, v: string): string {
  const scores = b.node("Mul", [b.node("MatMul", [q, k]), b.initializer("scale", float32([], [HEAD ** -0.5]))]);
  return b.node("MatMul", [b.node("Softmax", [scores], { attributes: { axis: -1 } }), v]);
}

/** RMS norms in plain operators, two heads of keys and values for four of queries, and a gated MLP: Llama without positions. */
export function llamaBlock(b: GraphBuilder, repeat: "Gather" | "Expand", { outlier = 1 }: BlockOptions = {}): void {
  b.input("x", "float32", [1, "n", WIDTH]);
  b.initializer("two", float32([], [2]));
  b.initializer("epsilon", float32([], [1e-5]));
  const norm = (x: string, name: string, seed: number) => {
    const square = b.node("Pow", [x, "two"]);
    const mean = b.node("ReduceMean", [square], { attributes: { axes: [-1], keepdims: 1 } });
    const size = b.node("Sqrt", [b.node("Add", [mean, "epsilon"])]);
    const scale = b.initializer(`${name}.weight`, gains(seed, outlier));
    return b.node("Mul", [b.node("Div", [x, size]), scale], { outputs: [name] });
  };
  const plain = (x: string, name: string, rows: number, columns: number, seed: number) =>
    b.node("MatMul", [x, b.initializer(`${name}.weight`, matrix(rows, columns, seed))], { name });
  const h = norm("x", "norm1", 1);
  const q = heads(b, plain(h, "q", WIDTH, WIDTH, 10), HEADS, [0, 2, 1, 3]);
  const k = repeated(b, heads(b, plain(h, "k", WIDTH, WIDTH / 2, 20), HEADS / 2, [0, 2, 1, 3]), repeat);
  const v = repeated(b, heads(b, plain(h, "v", WIDTH, WIDTH / 2, 30), HEADS / 2, [0, 2, 1, 3]), repeat);
  const turned = b.node("Transpose", [k], { attributes: { perm: [0, 1, 3, 2] } });
  const middle = b.node("Add", ["x", plain(joined(b, attended(b, q, turned, v)), "o", WIDTH, WIDTH, 40)]);
  const m = norm(middle, "norm2", 3);
  const gate = plain(m, "gate", WIDTH, 2 * WIDTH, 50);
  const silu = b.node("Mul", [gate, b.node("Sigmoid", [gate])]);
  const inner = b.node("Mul", [silu, plain(m, "up", WIDTH, 2 * WIDTH, 60)]);
  b.output(b.node("Add", [middle, plain(inner, "down", 2 * WIDTH, WIDTH, 70)], { outputs: ["y"] }), "float32");
}

/** Each head of keys and values twice, as exporters write it. */
function repeated(b: GraphBuilder, x: string, how: "Gather" | "Expand"): string {
  if (how === "Gather") {
    const index = b.initializer(`${x}.index`, int64([4], [0, 0, 1, 1]));
    return b.node("Gather", [x, index], { attributes: { axis: 1 } });
  }
  const apart = b.node("Unsqueeze", [x, b.initializer(`${x}.axis`, int64([1], [2]))]);
  const twice = b.node("Expand", [apart, b.initializer(`${x}.twice`, int64([5], [1, 1, 2, 1, 1]))]);
  return b.node("Reshape", [twice, b.initializer(`${x}.all`, int64([4], [0, HEADS, -1, HEAD]))]);
}
