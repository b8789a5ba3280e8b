// Transformers as exporters write them: attention in plain and in fused operators, with Reshape constants and Shape chains.

import { float32, int64 } from "../../../src/tensor/tensor.js";
import { input, type Net, net, type Pattern, tokens } from "./parts.js";

function layerNorm(n: Net, name: string, x: string, width: number): string {
  const inputs = [
    n.constant(`${name}.gain`, n.positive([width])),
    n.constant(`${name}.shift`, n.normals([width], 0.3)),
  ];
  return n.b.node("LayerNormalization", [x, ...inputs], { name, attributes: { axis: -1 } });
}

const softmax = (n: Net, x: string) => n.op("Softmax", [x], { axis: -1 });
const scaled = (n: Net, q: string, k: string, size: number) =>
  n.op("Mul", [n.op("MatMul", [q, k]), n.scalar(1 / Math.sqrt(size))]);
const gelu = (n: Net, x: string) =>
  n.op("Mul", [
    n.op("Mul", [x, n.op("Add", [n.op("Erf", [n.op("Div", [x, n.scalar(Math.SQRT2)])]), n.scalar(1)])]),
    n.scalar(0.5),
  ]);

/** [batch, length, a * b] of x as a shape: constants, or batch and length through Shape. */
function shapeOf(n: Net, x: string, rest: readonly number[], dynamic: boolean): string {
  if (!dynamic) return n.ints([0, 0, ...rest]);
  const shape = n.op("Shape", [x]);
  const part = (at: number) =>
    n.op("Unsqueeze", [n.op("Gather", [shape, n.constant(`${x}.${at}.${rest}`, int64([], [at]))]), n.ints([0])]);
  return n.op("Concat", [part(0), part(1), ...rest.map((one) => n.ints([one]))], { axis: 0 });
}

const encoder = (dynamic: boolean): Pattern => ({
  name: `encoder, attention in plain operators${dynamic ? ", Shape chains" : ""}`,
  make(seed) {
    const n = net(seed);
    const [h, s, f] = [n.size(2, 4), n.size(2, 5), n.size(5, 13)];
    const d = h * s;
    const ids = tokens(n, "ids", [2, 5], 11);
    const table = n.constant("table", n.normals([11, d]));
    const x = layerNorm(n, "norm0", n.op("Gather", [table, "ids"]), d);
    const heads = (name: string, perm: number[]) => {
      const y = n.linear(name, x, d, d);
      return n.op("Transpose", [n.op("Reshape", [y, shapeOf(n, y, [h, s], dynamic)])], { perm });
    };
    const q = heads("q", [0, 2, 1, 3]);
    const weights = softmax(n, scaled(n, q, heads("k", [0, 2, 3, 1]), s));
    const mixed = n.op("Transpose", [n.op("MatMul", [weights, heads("v", [0, 2, 1, 3])])], { perm: [0, 2, 1, 3] });
    const joined = n.op("Reshape", [mixed, shapeOf(n, mixed, [d], dynamic)]);
    const middle = layerNorm(n, "norm1", n.op("Add", [x, n.linear("o", joined, d, d)]), d);
    const inner = gelu(n, n.linear("up", middle, d, f));
    const last = layerNorm(n, "norm2", n.op("Add", [middle, n.linear("down", inner, f, d)]), d);
    n.b.output(n.linear("out", last, d, 4), "float32", ["batch", "length", 4]);
    return n.done({ ids }, { "q.weight": h, "up.weight": f }, { "o.weight": /LayerNormalization/ });
  },
});

/** Without norms the stream itself may be cut: table, positions, every reader and writer. */
export const stream: Pattern = {
  name: "residual stream without norms",
  make(seed) {
    const n = net(seed);
    const [d, f] = [n.size(4, 12), n.size(4, 12)];
    const ids = tokens(n, "ids", [2, 5], 11);
    const looked = n.op("Gather", [n.constant("table", n.normals([11, d])), "ids"]);
    const x = n.op("Add", [looked, n.constant("positions", n.normals([1, 5, d]))]);
    const inner = n.op("Relu", [n.linear("up", x, d, f)]);
    const last = n.op("Add", [x, n.linear("down", inner, f, d)]);
    n.b.output(n.linear("out", last, d, 4), "float32", ["batch", "length", 4]);
    return n.done({ ids }, { table: d, "up.weight": f });
  },
};

/** RMS norms in plain operators, heads of keys shared by several of queries, rotary positions, gated feed-forward. */
export const decoder: Pattern = {
  name: "decoder with grouped queries, rotary positions and a gate",
  make(seed) {
    const n = net(seed);
    const [kv, share, half, f] = [n.size(2, 3), n.size(2, 3), n.size(1, 3), n.size(5, 13)];
    const [s, h, length] = [2 * half, kv * share, 5];
    const d = h * s;
    const ids = tokens(n, "ids", [2, length], 11);
    const x = n.op("Gather", [n.constant("table", n.normals([11, d])), "ids"]);
    const rms = (name: string, v: string) => {
      const mean = n.b.node("ReduceMean", [n.op("Mul", [v, v])], { name, attributes: { axes: [-1], keepdims: 1 } });
      const size = n.op("Sqrt", [n.op("Add", [mean, n.scalar(1e-5)])]);
      return n.op("Mul", [n.op("Div", [v, size]), n.constant(`${name}.gain`, n.positive([d]))]);
    };
    const [cos, sin] = ["cos", "sin"].map((name) => n.constant(name, n.normals([length, s])));
    const rotate = (v: string) => {
      const part = (from: number, to: number) => n.op("Slice", [v, n.ints([from]), n.ints([to]), n.ints([3])]);
      const turned = n.op("Concat", [n.op("Neg", [part(half, s)]), part(0, half)], { axis: -1 });
      return n.op("Add", [n.op("Mul", [v, cos!]), n.op("Mul", [turned, sin!])]);
    };
    const normed = rms("norm1", x);
    const split = (name: string, count: number) => {
      const y = n.op("Reshape", [n.linear(name, normed, d, count * s, false), n.ints([0, 0, count, s])]);
      return n.op("Transpose", [y], { perm: [0, 2, 1, 3] });
    };
    const repeat = (v: string) => {
      const apart = n.op("Unsqueeze", [v, n.ints([2])]);
      const many = n.op("Expand", [apart, n.ints([1, 1, share, 1, 1])]);
      return n.op("Reshape", [many, n.ints([0, h, -1, s])]);
    };
    const q = rotate(split("q", h));
    const k = n.op("Transpose", [repeat(rotate(split("k", kv)))], { perm: [0, 1, 3, 2] });
    const mask = n.constant(
      "mask",
      float32(
        [length, length],
        Array.from({ length: length ** 2 }, (_, i) => (i % length > i / length ? -1e4 : 0)),
      ),
    );
    const weights = softmax(n, n.op("Add", [scaled(n, q, k, s), mask]));
    const mixed = n.op("Transpose", [n.op("MatMul", [weights, repeat(split("v", kv))])], { perm: [0, 2, 1, 3] });
    const middle = n.op("Add", [x, n.linear("o", n.op("Reshape", [mixed, n.ints([0, 0, d])]), d, d, false)]);
    const inside = rms("norm2", middle);
    const gate = n.linear("gate", inside, d, f, false);
    const silu = n.op("Mul", [gate, n.op("Sigmoid", [gate])]);
    const inner = n.op("Mul", [silu, n.linear("up", inside, d, f, false)]);
    const last = rms("norm3", n.op("Add", [middle, n.linear("down", inner, f, d, false)]));
    n.b.output(n.op("MatMul", [last, n.op("Transpose", ["table"], { perm: [1, 0] })]), "float32", [
      "batch",
      "length",
      11,
    ]);
    return n.done({ ids }, { table: d, "q.weight": kv, "gate.weight": f });
  },
};

type Fused = (n: Net, x: string, heads: number, size: number) => string;

const fused = (name: string, build: Fused, first = "q.weight", opset = 17, share = 1): Pattern => ({
  name: `encoder, ${name}`,
  make(seed) {
    const n = net(seed);
    const [h, s, f] = [n.size(2, 4), n.size(1, 3) * 2, n.size(5, 13)];
    const d = n.size(4, 12);
    const x = input(n, "x", ["batch", "length", d], [2, 5, d]);
    const middle = n.op("Add", ["x", n.linear("o", build(n, "x", h, s), share * h * s, d)]);
    const inner = n.op("Relu", [n.linear("up", middle, d, f)]);
    n.b.output(n.linear("down", inner, f, d), "float32", ["batch", "length", d]);
    const free = { "up.weight": f, [first]: h };
    return n.done({ x }, free, {}, { opset, opsets: { "com.microsoft": 1 } });
  },
});

function width(n: Net, x: string): number {
  const type = n.b.graph().inputs.find(({ name }) => name === x)?.type;
  return type?.kind === "tensor" ? Number(type.shape?.[2]) : Number.NaN;
}

const microsoft = { domain: "com.microsoft" };

export const packedAttention = fused(
  "com.microsoft Attention",
  (n, x, h, s) => {
    const d = width(n, x);
    const w = n.constant("qkv.weight", n.normals([d, 3 * h * s], 1 / Math.sqrt(d)));
    const c = n.constant("qkv.bias", n.normals([3 * h * s], 0.3));
    return n.b.node("Attention", [x, w, c], { ...microsoft, attributes: { num_heads: h } });
  },
  "qkv.weight",
);

export const multiHead = fused("com.microsoft MultiHeadAttention", (n, x, h, s) => {
  const d = width(n, x);
  const parts = ["q", "k", "v"].map((name) => n.linear(name, x, d, h * s, false));
  const c = n.constant("qkv.bias", n.normals([3 * h * s], 0.3));
  return n.b.node("MultiHeadAttention", [...parts, c], { ...microsoft, attributes: { num_heads: h } });
});

export const standardAttention = fused(
  "Attention of opset 23",
  (n, x, h, s) => {
    const d = width(n, x);
    const parts = ["q", "k", "v"].map((name) => n.linear(name, x, d, h * s));
    return n.b.node("Attention", parts, { attributes: { q_num_heads: h, kv_num_heads: h } });
  },
  "q.weight",
  23,
);

/** Twice as many heads of queries as of keys and values. */
export const groupedAttention = fused(
  "Attention of opset 23 with grouped queries",
  (n, x, h, s) => {
    const d = width(n, x);
    const parts = [n.linear("q", x, d, 2 * h * s), ...["k", "v"].map((name) => n.linear(name, x, d, h * s))];
    return n.b.node("Attention", parts, { attributes: { q_num_heads: 2 * h, kv_num_heads: h } });
  },
  "q.weight",
  23,
  2,
);

export const transformers: readonly Pattern[] = [
  encoder(false),
  encoder(true),
  stream,
  decoder,
  packedAttention,
  multiHead,
  standardAttention,
  groupedAttention,
];
