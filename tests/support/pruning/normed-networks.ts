// Normalisations in every form, around channels that may go and over those that may not; attention as vision models write it.

import { float32, int64 } from "../../../src/tensor/tensor.js";
import { input, type Net, net, type Pattern, tokens } from "./parts.js";

const microsoft = { domain: "com.microsoft" };
const relu = (n: Net, x: string) => n.op("Relu", [x]);

/** Root mean squares over the stream as one operator: the mean is over fewer then. */
const rms = (name: string, opset: number, norm: (n: Net, x: string, gain: string) => string): Pattern => ({
  name: `stream under ${name}`,
  make(seed) {
    const n = net(seed);
    const [d, f] = [n.size(4, 12), n.size(4, 12)];
    const ids = tokens(n, "ids", [2, 5], 11);
    const gain = (id: string) => n.constant(`${id}.gain`, n.positive([d]));
    const x = n.op("Gather", [n.constant("table", n.normals([11, d])), "ids"]);
    const up = relu(n, n.linear("up", norm(n, x, gain("norm1")), d, f));
    const middle = n.op("Add", [x, n.linear("down", up, f, d)]);
    n.b.output(n.linear("out", norm(n, middle, gain("norm2")), d, 4), "float32", ["batch", "length", 4]);
    return n.done({ ids }, { table: d, "up.weight": f }, {}, { opset, opsets: { "com.microsoft": 1 } });
  },
});

/** LayerNormalization keeps the stream; with the residual in the same operator too. */
export const skipped: Pattern = {
  name: "SkipLayerNormalization, BiasGelu",
  make(seed) {
    const n = net(seed);
    const [d, f] = [n.size(4, 12), n.size(4, 12)];
    const x = input(n, "x", ["batch", "length", 6], [2, 5, 6]);
    const start = n.linear("start", "x", 6, d);
    const up = n.b.node(
      "BiasGelu",
      [n.linear("up", start, d, f, false), n.constant("up.bias", n.normals([f]))],
      microsoft,
    );
    const inputs = [
      start,
      n.linear("down", up, f, d, false),
      n.constant("gain", n.positive([d])),
      n.constant("shift", n.normals([d])),
    ];
    const last = n.b.node("SkipLayerNormalization", [...inputs, n.constant("down.bias", n.normals([d]))], microsoft);
    const fast = n.b.node("FastGelu", [n.linear("wide", last, d, f)], microsoft);
    n.b.output(n.linear("out", fast, f, 4), "float32", ["batch", "length", 4]);
    return n.done(
      { x },
      { "up.weight": f, "wide.weight": f },
      { "start.weight": /SkipLayerNormalization/ },
      { opsets: { "com.microsoft": 1 } },
    );
  },
};

/** Groups of channels normalised together, as one operator and as exporters write it. */
export const grouped: Pattern = {
  name: "normalisation in groups",
  make(seed) {
    const n = net(seed);
    const [g, i, d] = [n.size(2, 3), n.size(2, 4), n.size(3, 8)];
    const c = g * i;
    const x = n.image(3, 6);
    const one = n.conv("one", "x", 3, c);
    const apart = n.op("Reshape", [one, n.ints([0, g, -1])]);
    const ones = n.constant("ones", float32([g], new Float32Array(g).fill(1)));
    const zeros = n.constant("zeros", float32([g], new Float32Array(g)));
    const normed = n.op("InstanceNormalization", [apart, ones, zeros]);
    const back = n.op("Reshape", [normed, n.op("Shape", [one])]);
    const gain = n.op("Mul", [back, n.constant("gain", n.positive([c, 1, 1]))]);
    const shifted = n.op("Add", [gain, n.constant("shift", n.normals([c, 1, 1]))]);
    n.classify(relu(n, n.conv("two", relu(n, shifted), c, d)), d);
    return n.done({ x }, { "one.weight": g, "two.weight": d });
  },
};

/** Instances: each channel has statistics of its own. Layer norm over positions, not channels. */
export const instances: Pattern = {
  name: "InstanceNormalization, LayerNormalization over positions",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 8), n.size(3, 8)];
    const x = n.image(3, 6);
    const own = (name: string, size: number) => [
      n.constant(`${name}.s`, n.positive([size])),
      n.constant(`${name}.b`, n.normals([size])),
    ];
    const one = relu(n, n.op("InstanceNormalization", [n.conv("one", "x", 3, c), ...own("in", c)]));
    const over = [n.constant("ln.s", n.positive([6, 6])), n.constant("ln.b", float32([6, 6], new Float32Array(36)))];
    const two = n.op("LayerNormalization", [n.conv("two", one, c, d), ...over], { axis: 2 });
    n.classify(relu(n, two), d);
    return n.done({ x }, { "one.weight": c, "two.weight": d });
  },
};

/** One weight for queries, keys and values, five axes, norms within heads, a class token, patches by convolution. */
export const vision: Pattern = {
  name: "vision transformer with one weight for q, k, v",
  make(seed) {
    const n = net(seed);
    const [h, s, f] = [n.size(2, 4), n.size(2, 5), n.size(4, 9)];
    const d = h * s;
    const x = n.image(3, 8);
    const patches = n.b.node("Conv", ["x", n.constant("patch.weight", n.normals([d, 3, 4, 4], 0.2))], {
      attributes: { kernel_shape: [4, 4], strides: [4, 4] },
    });
    const rows = n.op("Transpose", [n.op("Reshape", [patches, n.ints([0, d, -1])])], { perm: [0, 2, 1] });
    const batch = n.op("Slice", [n.op("Shape", [rows]), n.ints([0]), n.ints([1])]);
    const token = n.op("Expand", [
      n.constant("token", n.normals([1, 1, d])),
      n.op("Concat", [batch, n.ints([1, 1])], { axis: 0 }),
    ]);
    const stream = n.op("Add", [n.op("Concat", [token, rows], { axis: 1 }), n.constant("place", n.normals([1, 5, d]))]);
    const five = n.op("Reshape", [n.linear("qkv", stream, d, 3 * d), n.ints([0, 5, 3, h, s])]);
    const turned = n.op("Transpose", [five], { perm: [2, 0, 3, 1, 4] });
    const [q, k, v] = [0, 1, 2].map((at) =>
      n.op("Gather", [turned, n.constant(`at${at}`, int64([], [at]))], { axis: 0 }),
    );
    const within = (name: string, y: string) =>
      n.op(
        "LayerNormalization",
        [y, n.constant(`${name}.g`, n.positive([s])), n.constant(`${name}.c`, n.normals([s]))],
        { axis: -1 },
      );
    const keys = n.op("Transpose", [within("k", k!)], { perm: [0, 1, 3, 2] });
    const weights = n.op("Softmax", [n.op("MatMul", [within("q", q!), keys])], { axis: -1 });
    const mixed = n.op("Transpose", [n.op("MatMul", [weights, v!])], { perm: [0, 2, 1, 3] });
    const joined = n.op("Reshape", [mixed, n.ints([0, 5, d])]);
    const middle = n.op("Add", [stream, n.linear("o", joined, d, d)]);
    const inner = relu(n, n.linear("up", middle, d, f));
    const last = n.op("Add", [middle, n.linear("down", inner, f, d)]);
    const first = n.op("Gather", [last, n.constant("first", int64([], [0]))], { axis: 1 });
    n.b.output(n.linear("out", first, d, 4), "float32", ["batch", 4]);
    return n.done({ x }, { "patch.weight": d, "qkv.weight": h, "up.weight": f });
  },
};

/** Layers that mix positions, and layers that mix channels. */
export const mixer: Pattern = {
  name: "mixer",
  make(seed) {
    const n = net(seed);
    const [d, t, f] = [n.size(3, 9), n.size(3, 9), n.size(3, 9)];
    const x = input(n, "x", ["batch", 6, 4], [2, 6, 4]);
    const start = n.linear("start", "x", 4, d);
    const turned = n.op("Transpose", [start], { perm: [0, 2, 1] });
    const mixed = n.linear("mix2", relu(n, n.linear("mix1", turned, 6, t)), t, 6);
    const middle = n.op("Add", [start, n.op("Transpose", [mixed], { perm: [0, 2, 1] })]);
    const inner = relu(n, n.linear("up", middle, d, f));
    const last = n.op("Add", [middle, n.linear("down", inner, f, d)]);
    n.b.output(n.linear("out", n.op("ReduceMean", [last], { axes: [1], keepdims: 0 }), d, 4), "float32", ["batch", 4]);
    // Mixing of positions adds its bias to every channel: a channel without weights is not zero behind it.
    return n.done({ x }, { "mix1.weight": t, "up.weight": f });
  },
};

/** Keys and values of earlier tokens come in and go out: heads stay. */
export const cached: Pattern = {
  name: "attention with a cache",
  make(seed) {
    const n = net(seed);
    const [h, s, f] = [n.size(2, 3), n.size(2, 4), n.size(3, 9)];
    const d = h * s;
    const x = input(n, "x", ["batch", "length", 6], [1, 2, 6]);
    const past = ["past_key", "past_value"].map((name) => input(n, name, ["batch", h, "past", s], [1, h, 3, s]));
    const split = (name: string) =>
      n.op("Transpose", [n.op("Reshape", [n.linear(name, "x", 6, d), n.ints([0, 0, h, s])])], { perm: [0, 2, 1, 3] });
    const q = split("q");
    const [k, v] = ["key", "value"].map((name) =>
      n.b.node("Concat", [`past_${name}`, split(name)], { attributes: { axis: 2 }, outputs: [`present_${name}`] }),
    );
    const keys = n.op("Transpose", [k!], { perm: [0, 1, 3, 2] });
    const weights = n.op("Softmax", [n.op("MatMul", [q, keys])], { axis: -1 });
    const mixed = n.op("Transpose", [n.op("MatMul", [weights, v!])], { perm: [0, 2, 1, 3] });
    const joined = n.op("Reshape", [mixed, n.ints([0, 0, d])]);
    n.b.output(n.linear("out", relu(n, n.linear("o", joined, d, f)), f, 4), "float32", ["batch", "length", 4]);
    for (const name of ["present_key", "present_value"]) n.b.output(name, "float32", ["batch", h, "total", s]);
    const feeds = { x, past_key: past[0]!, past_value: past[1]! };
    return n.done(feeds, { "o.weight": f }, { "key.weight": /inputs|outputs/, "value.weight": /inputs|outputs/ });
  },
};

export const normedNetworks: readonly Pattern[] = [
  rms("RMSNormalization", 23, (n, x, gain) => n.op("RMSNormalization", [x, gain], { epsilon: 0.01 })),
  rms("SimplifiedLayerNormalization", 17, (n, x, gain) =>
    n.op("SimplifiedLayerNormalization", [x, gain], { epsilon: 0.01, axis: -1 }),
  ),
  skipped,
  grouped,
  instances,
  vision,
  mixer,
  cached,
];
