// Networks whose channels move: halves, groups, shuffles, flattening, up-sampling with skips.

import { float32 } from "../../../src/tensor/tensor.js";
import { input, type Net, net, type Pattern } from "./parts.js";

const relu = (n: Net, x: string) => n.op("Relu", [x]);

/** One weight makes values and gates; Split takes them apart. */
export const gatedConv: Pattern = {
  name: "gated convolution (Split)",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    const [value, gate] = n.b.nodes("Split", [n.conv("both", stem, c, 2 * d), n.ints([d, d])], {
      outputs: 2,
      attributes: { axis: 1 },
    });
    n.classify(n.op("Mul", [value!, n.op("Sigmoid", [gate!])]), d);
    return n.done({ x }, { "stem.weight": c, "both.weight": d });
  },
};

export const swiglu: Pattern = {
  name: "SwiGLU (Slice)",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(4, 9), n.size(3, 11)];
    const x = input(n, "x", ["batch", "length", c], [2, 5, c]);
    const both = n.linear("up", "x", c, 2 * d);
    const part = (from: number, to: number) => n.op("Slice", [both, n.ints([from]), n.ints([to]), n.ints([-1])]);
    const gate = part(0, d);
    const silu = n.op("Mul", [gate, n.op("Sigmoid", [gate])]);
    n.b.output(n.linear("down", n.op("Mul", [silu, part(d, 2 ** 31)]), d, c), "float32", ["batch", "length", c]);
    return n.done({ x }, { "up.weight": d });
  },
};

/** Parts of different size, each with a reader of its own; one part is read twice. */
export const unequalSplit: Pattern = {
  name: "Split in unequal parts",
  make(seed) {
    const n = net(seed);
    const [p, q, s] = [n.size(2, 5), n.size(3, 6), n.size(2, 7)];
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, p + q + s));
    const [a, b, c] = n.b.nodes("Split", [stem, n.ints([p, q, s])], { outputs: 3, attributes: { axis: 1 } });
    const all = [n.conv("a", a!, p, 3), n.conv("b", b!, q, 4), c!, b!];
    n.classify(n.op("Concat", all, { axis: 1 }), 7 + s + q);
    return n.done({ x }, { "stem.weight": p, "stem.weight#2": q, "stem.weight#3": s, "a.weight": 3, "b.weight": 4 });
  },
};

export const grouped: Pattern = {
  name: "grouped convolution",
  make(seed) {
    const n = net(seed);
    const [g, i, o, d] = [n.size(2, 4), n.size(2, 4), n.size(2, 4), n.size(3, 9)];
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, g * i));
    const middle = relu(n, n.conv("grouped", stem, g * i, g * o, { group: g }));
    n.classify(relu(n, n.conv("last", middle, g * o, d)), d);
    return n.done({ x }, { "stem.weight": i, "grouped.weight": o, "last.weight": d });
  },
};

/** ShuffleNet: grouped pointwise convolutions with a shuffle between. */
export const shuffle: Pattern = {
  name: "channel shuffle",
  make(seed) {
    const n = net(seed);
    const [g, i] = [2, n.size(3, 5)];
    const c = g * i;
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    const first = relu(n, n.conv("first", stem, c, c, { kernel: 1, group: g }));
    const apart = n.op("Reshape", [first, n.ints([0, g, i, 8, 8])]);
    const turned = n.op("Transpose", [apart], { perm: [0, 2, 1, 3, 4] });
    const mixed = n.op("Reshape", [turned, n.ints([0, c, 8, 8])]);
    const deep = n.conv("deep", mixed, c, c, { group: c });
    n.classify(n.conv("last", deep, c, 5, { kernel: 1 }), 5);
    return n.done({ x }, { "stem.weight": i, "first.weight": i, "last.weight": 5 });
  },
};

/** ShuffleNet V2: one half passes by, both are interleaved. */
export const halves: Pattern = {
  name: "half that passes by, then shuffle",
  make(seed) {
    const n = net(seed);
    const h = n.size(3, 6);
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, 2 * h));
    const [left, right] = n.b.nodes("Split", [stem], { outputs: 2, attributes: { axis: 1 } });
    const inner = relu(n, n.conv("branch1", right!, h, h));
    const both = n.op("Concat", [left!, n.conv("branch2", inner, h, h, { kernel: 1 })], { axis: 1 });
    const apart = n.op("Reshape", [both, n.ints([0, 2, h, 8, 8])]);
    const mixed = n.op("Reshape", [n.op("Transpose", [apart], { perm: [0, 2, 1, 3, 4] }), n.ints([0, -1, 8, 8])]);
    n.classify(relu(n, n.conv("last", mixed, 2 * h, 5)), 5);
    return n.done({ x }, { "stem.weight": h, "stem.weight#2": h, "branch1.weight": h, "last.weight": 5 });
  },
};

export const flattened: Pattern = {
  name: "Flatten to Gemm",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(4, 12)];
    const x = n.image(3, 6);
    const stem = relu(n, n.conv("stem", "x", 3, c, { stride: 2 }));
    const flat = n.op("Flatten", [stem]);
    const w = n.constant("hidden.weight", n.normals([d, c * 9], 0.2));
    const hidden = relu(n, n.op("Gemm", [flat, w, n.constant("hidden.bias", n.normals([d]))], { transB: 1 }));
    n.b.output(n.linear("out", hidden, d, 4), "float32", ["batch", 4]);
    return n.done({ x }, { "stem.weight": c, "hidden.weight": d });
  },
};

/** The width after flattening stands in a constant, the batch comes through Shape; channels last. */
export const reshaped: Pattern = {
  name: "Reshape by a Shape chain, channels last",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(4, 12)];
    const x = n.image(3, 6);
    const stem = relu(n, n.conv("stem", "x", 3, c, { stride: 2 }));
    const last = n.op("Transpose", [stem], { perm: [0, 2, 3, 1] });
    const batch = n.op("Gather", [n.op("Shape", [last]), n.ints([0])]);
    const flat = n.op("Reshape", [last, n.op("Concat", [batch, n.ints([9 * c])], { axis: 0 })]);
    const hidden = relu(n, n.linear("hidden", flat, 9 * c, d));
    n.b.output(n.linear("out", hidden, d, 4), "float32", ["batch", 4]);
    return n.done({ x }, { "stem.weight": c, "hidden.weight": d });
  },
};

export const unet: Pattern = {
  name: "U-Net",
  make(seed) {
    const n = net(seed);
    const [c, d, e, f] = [n.size(3, 7), n.size(3, 8), n.size(3, 7), n.size(3, 6)];
    const x = n.image(3, 8);
    const top = relu(n, n.norm("top.norm", n.conv("top", "x", 3, c), c));
    const low = relu(n, n.conv("low", n.op("MaxPool", [top], { kernel_shape: [2, 2], strides: [2, 2] }), c, d));
    const w = n.constant("up.weight", n.normals([d, e, 2, 2], 0.4));
    const up = n.op("ConvTranspose", [low, w, n.constant("up.bias", n.normals([e], 0.3))], {
      kernel_shape: [2, 2],
      strides: [2, 2],
    });
    const none = n.constant("none", float32([0], []));
    const wide = n.b.node("Resize", [low, none, n.constant("twice", float32([4], [1, 1, 2, 2]))], {
      attributes: { mode: "linear", coordinate_transformation_mode: "half_pixel" },
    });
    const all = n.op("Concat", [up, top, wide], { axis: 1 });
    const mixed = relu(n, n.conv("mix", all, e + c + d, f));
    n.b.output(n.conv("out", mixed, f, 2, { kernel: 1 }), "float32", ["batch", 2, 8, 8]);
    return n.done({ x }, { "top.weight": c, "low.weight": d, "up.weight": e, "mix.weight": f });
  },
};

export const pixelShuffle: Pattern = {
  name: "DepthToSpace",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 7), n.size(2, 5)];
    const x = n.image(3, 6);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    const up = n.op("DepthToSpace", [n.conv("wide", stem, c, 4 * d)], { blocksize: 2, mode: "CRD" });
    const down = n.op("SpaceToDepth", [relu(n, up)], { blocksize: 3 });
    n.classify(n.conv("last", down, 9 * d, 5, { kernel: 1 }), 5);
    return n.done({ x }, { "stem.weight": c, "wide.weight": d, "last.weight": 5 });
  },
};

export const movedChannels: readonly Pattern[] = [
  gatedConv,
  swiglu,
  unequalSplit,
  grouped,
  shuffle,
  halves,
  flattened,
  reshaped,
  unet,
  pixelShuffle,
];
