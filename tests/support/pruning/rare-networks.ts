// Less common ways to write networks: weights that are shared or seen otherwise, constants that are broadcast, old opsets.

import { float, graphAttribute } from "../../../src/ir/attributes.js";
import { graphBuilder, makeFunction } from "../../../src/ir/build.js";
import { float32, int64, tensor } from "../../../src/tensor/tensor.js";
import { input, type Net, net, type Pattern } from "./parts.js";

const relu = (n: Net, x: string) => n.op("Relu", [x]);

/** A layer that is applied twice in a row: what it makes, it reads. And an autoencoder whose decoder is its encoder, turned. */
export const tied: Pattern = {
  name: "weights tied to themselves",
  make(seed) {
    const n = net(seed);
    const [d, c, h] = [n.size(4, 8), n.size(4, 9), n.size(3, 9)];
    const x = input(n, "x", ["batch", d], [3, d]);
    const start = relu(n, n.linear("start", "x", d, c));
    const w = n.constant("twice.weight", n.normals([c, c], 0.4));
    const twice = n.op("Tanh", [n.op("MatMul", [n.op("Tanh", [n.op("MatMul", [start, w])]), w])]);
    const code = n.constant("code.weight", n.normals([h, c], 0.4));
    const hidden = relu(n, n.op("MatMul", [twice, n.op("Transpose", [code], { perm: [1, 0] })]));
    const back = n.op("Add", [n.op("MatMul", [hidden, code]), n.constant("back.bias", n.normals([1, c]))]);
    n.b.output(n.linear("out", n.op("Sub", [back, start]), c, 4), "float32", ["batch", 4]);
    return n.done({ x }, { "start.weight": c, "code.weight[0]": h });
  },
};

/** Constants with and without the channel axis, and numbers that a bias must take up. */
export const broadcast: Pattern = {
  name: "broadcast constants",
  make(seed) {
    const n = net(seed);
    const [c, d, e] = [n.size(3, 8), n.size(3, 8), n.size(3, 8)];
    const x = n.image(3, 6);
    const one = n.op("Add", [n.conv("one", "x", 3, c), n.constant("place", n.normals([1, c, 6, 6]))]);
    const two = relu(n, n.op("Mul", [one, n.constant("window", n.normals([6, 6]))]));
    const three = n.op("Sub", [n.scalar(1), n.op("Sigmoid", [n.conv("three", two, c, d)])]);
    const four = n.conv("four", n.op("Add", [three, n.scalar(0.25)]), d, e, { pad: 0 });
    const wide = n.op("Where", [n.op("Greater", [four, n.scalar(0)]), four, n.op("Mul", [four, n.scalar(0.1)])]);
    n.classify(wide, e);
    return n.done({ x }, { "one.weight": c, "three.weight": d, "four.weight": e });
  },
};

/** The image stands beside the channels in a Concat; the image's part stays. */
export const imageSkip: Pattern = {
  name: "image beside channels",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 8), n.size(3, 8)];
    const x = n.image(3, 6);
    const one = relu(n, n.conv("one", "x", 3, c));
    const two = relu(n, n.conv("two", n.op("Concat", ["x", one], { axis: 1 }), 3 + c, d));
    const three = n.norm("norm", n.op("Concat", [two, "x", one], { axis: 1 }), d + 3 + c);
    n.classify(three, d + 3 + c);
    return n.done({ x }, { "one.weight": c, "two.weight": d });
  },
};

/** Gather with constant indices along the channels: some twice, some never. */
export const permuted: Pattern = {
  name: "permuted channels",
  make(seed) {
    const n = net(seed);
    const c = n.size(5, 9);
    const x = n.image(3, 6);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    const order = Array.from({ length: c }, (_, i) => (i * 2) % c);
    const turned = n.op("Gather", [stem, n.constant("order", int64([c], order))], { axis: 1 });
    const all = n.op("Add", [n.conv("next", turned, c, c, { group: c }), turned]);
    n.classify(all, c);
    const used = new Set(order).size;
    // Channels that nobody reads are a group of their own.
    const free: Record<string, number> =
      used === c ? { "stem.weight": c } : { "stem.weight": used, "stem.weight#2": c - used };
    return n.done({ x }, free);
  },
};

/** Opset 9: bounds, axes and sizes are attributes. */
export const old: Pattern = {
  name: "opset 9",
  make(seed) {
    const n = net(seed);
    const [c, d, e] = [n.size(3, 8), n.size(4, 8), n.size(3, 8)];
    const x = n.image(3, 6);
    const one = n.op("Clip", [n.norm("norm", n.conv("one", "x", 3, c), c)], { min: float(0), max: float(6) });
    const framed = n.b.node("Pad", [one], { attributes: { pads: [0, 0, 1, 1, 0, 0, 1, 1], mode: "constant" } });
    const two = n.conv("two", n.op("Dropout", [framed]), c, d, { pad: 0 });
    const cut = n.op("Slice", [two], { axes: [1], starts: [1], ends: [d] });
    const up = n.op("Upsample", [cut, n.constant("scales", float32([4], [1, 1, 2, 2]))], { mode: "nearest" });
    const last = relu(n, n.conv("last", up, d - 1, e));
    const pooled = n.op("ReduceMean", [last], { axes: [2, 3], keepdims: 0 });
    const w = n.constant("classify.weight", n.normals([e, 4]));
    const both = n.op("Gemm", [pooled, w, n.constant("classify.bias", n.normals([1]))], { alpha: 0.5, beta: float(2) });
    n.b.output(n.op("Squeeze", [n.op("Unsqueeze", [both], { axes: [0] })], { axes: [0] }), "float32", ["batch", 4]);
    return n.done(
      { x },
      { "one.weight": c, "two.weight": 1, "two.weight#2": d - 1, "last.weight": e },
      {},
      { opset: 9, ir: 7 },
    );
  },
};

/** Sequences: causal padding, dilation, a gate, a residual, a skip that is summed up. */
export const temporal: Pattern = {
  name: "causal convolutions over time",
  make(seed) {
    const n = net(seed);
    const [c, d, e] = [n.size(3, 8), n.size(3, 8), n.size(3, 8)];
    const x = input(n, "x", ["batch", 2, "time"], [2, 2, 11]);
    const conv = (name: string, v: string, from: number, to: number, kernel: number, dilation = 1) => {
      const w = n.constant(`${name}.weight`, n.normals([to, from, kernel], 1 / Math.sqrt(from * kernel)));
      const inputs = [v, w, n.constant(`${name}.bias`, n.normals([to], 0.3))];
      const attributes = { kernel_shape: [kernel], dilations: [dilation], pads: [dilation * (kernel - 1), 0] };
      return n.b.node("Conv", inputs, { name, attributes });
    };
    let stream = conv("start", "x", 2, c, 2);
    let skips = "";
    for (const [i, dilation] of [1, 2].entries()) {
      const gate = n.op("Sigmoid", [conv(`gate${i}`, stream, c, d, 2, dilation)]);
      const inner = n.op("Mul", [n.op("Tanh", [conv(`filter${i}`, stream, c, d, 2, dilation)]), gate]);
      const skip = conv(`skip${i}`, inner, d, e, 1);
      skips = skips === "" ? skip : n.op("Add", [skips, skip]);
      stream = n.op("Add", [stream, conv(`back${i}`, inner, d, c, 1)]);
    }
    n.b.output(conv("out", relu(n, skips), e, 3, 1), "float32", ["batch", 3, "time"]);
    // The second layer's way back into the stream is read by nobody.
    return n.done({ x }, { "start.weight": c, "gate0.weight": d, "gate1.weight": d, "skip0.weight": e });
  },
};

export const transposed: Pattern = {
  name: "transposed convolutions, in groups and depthwise",
  make(seed) {
    const n = net(seed);
    const [c, g, i, o] = [n.size(3, 8), 2, n.size(2, 4), n.size(2, 4)];
    const x = n.image(3, 5);
    const turned = (name: string, v: string, dims: readonly number[], group: number) => {
      const w = n.constant(`${name}.weight`, n.normals(dims, 0.4));
      const c0 = n.constant(`${name}.bias`, n.normals([dims[1]! * group], 0.3));
      return n.op("ConvTranspose", [v, w, c0], { group, strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] });
    };
    const deep = turned("deep", relu(n, n.conv("stem", "x", 3, c)), [c, 1, 3, 3], c);
    const wide = relu(n, n.conv("wide", deep, c, g * i));
    n.classify(turned("grouped", wide, [g * i, o, 3, 3], g), g * o);
    return n.done({ x }, { "stem.weight": c, "wide.weight": i, "grouped.weight": o });
  },
};

/** An If that reads an inner value: its channels stay; a local function is seen through. */
export const enclosed: Pattern = {
  name: "a subgraph and a function",
  make(seed) {
    const n = net(seed);
    const [c, d, e] = [n.size(3, 8), n.size(3, 8), n.size(3, 8)];
    const x = input(n, "x", ["batch", 6], [2, 6]);
    const one = n.b.node("Relu", [n.linear("one", "x", 6, c)], { outputs: ["seen"] });
    const branch = (by: string) => {
      const inner = graphBuilder(by, by);
      inner.output(inner.node(by, [one], { outputs: [`${by}_y`] }), "float32", ["batch", c]);
      return graphAttribute(inner.graph());
    };
    const flag = n.constant("flag.weight", n.normals([1, 1]));
    const positive = n.op("Greater", [n.op("ReduceSum", ["x"], { keepdims: 0 }), n.scalar(0)]);
    const chosen = n.b.node("If", [positive], {
      attributes: { then_branch: branch("Tanh"), else_branch: branch("Neg") },
    });
    const two = relu(n, n.linear("two", n.op("Mul", [chosen, flag]), c, d));
    const body = graphBuilder("square");
    body.input("v", "float32");
    body.output(body.node("Mul", ["v", "v"], { outputs: ["w"] }));
    const squared = n.b.node("Square", [n.linear("three", two, d, e)], { domain: "local" });
    n.b.output(n.linear("out", squared, e, 4), "float32", ["batch", 4]);
    const options = { functions: [makeFunction("local", "Square", body.graph(), { opset: 17 })], opsets: { local: 1 } };
    return n.done({ x }, { "two.weight": d, "three.weight": e }, { "one.weight": /If|subgraph/ }, options);
  },
};

/** Half precision from end to end. */
export const half: Pattern = {
  name: "float16",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 8), n.size(3, 8)];
    const x = input(n, "x", ["batch", 6], [2, 6]);
    const bits = (name: string, dims: readonly number[]) => {
      const count = dims.reduce((a, b) => a * b, 1);
      // Quarters: sums of their products are exact in half precision.
      return n.constant(
        name,
        tensor(
          "float16",
          dims,
          Uint16Array.from({ length: count }, () => [0x3400, 0xb400, 0x3800, 0xb800, 0x3c00][n.size(0, 4)]!),
        ),
      );
    };
    const start = n.op("Cast", [n.op("Round", ["x"])], { to: 10 });
    const one = n.op("Relu", [
      n.op("Add", [n.op("MatMul", [start, bits("one.weight", [6, c])]), bits("one.bias", [c])]),
    ]);
    const two = n.op("Relu", [n.op("MatMul", [one, bits("two.weight", [c, d])])]);
    n.b.output(n.op("Cast", [n.op("MatMul", [two, bits("out.weight", [d, 4])])], { to: 1 }), "float32", ["batch", 4]);
    return n.done({ x }, { "one.weight": c, "two.weight": d });
  },
};

export const pooledGate: Pattern = {
  name: "squeeze and excite by Gemm and Reshape",
  make(seed) {
    const n = net(seed);
    const [c, r] = [n.size(3, 8), n.size(3, 6)];
    const x = n.image(3, 6);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    const mean = n.op("ReduceMean", [stem], { axes: [2, 3], keepdims: 0 });
    const most = n.op("Flatten", [n.op("GlobalMaxPool", [stem])]);
    const squeezed = relu(n, n.linear("squeeze", n.op("Add", [mean, most]), c, r));
    const gate = n.op("HardSigmoid", [n.linear("excite", squeezed, r, c)]);
    const wide = n.op("Reshape", [gate, n.ints([-1, c, 1, 1])]);
    n.classify(n.op("Mul", [stem, wide]), c);
    return n.done({ x }, { "stem.weight": c, "squeeze.weight": r });
  },
};

export const rareNetworks: readonly Pattern[] = [
  tied,
  broadcast,
  imageSkip,
  permuted,
  old,
  temporal,
  transposed,
  enclosed,
  half,
  pooledGate,
];
