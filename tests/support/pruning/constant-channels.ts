// Networks in which a channel without weights is not zero: what it leaves is folded into the next bias, or stands in the way.

import { float32 } from "../../../src/tensor/tensor.js";
import { type Net, net, type Pattern } from "./parts.js";

const relu = (n: Net, x: string) => n.op("Relu", [x]);

/** Functions with f(0) != 0 before a convolution without padding, and before one without a bias. */
export const unpadded = (by: string, attributes: Record<string, number> = {}): Pattern => ({
  name: `${by} before a convolution without padding`,
  make(seed) {
    const n = net(seed);
    const [c, d, e] = [n.size(3, 9), n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 9);
    const one = n.b.node(by, [n.conv("one", "x", 3, c)], { attributes });
    const two = n.b.node(by, [n.conv("two", one, c, d, { pad: 0 })], { attributes });
    const three = n.conv("three", two, d, e, { pad: 0, bias: false, stride: 2 });
    n.classify(three, e);
    return n.done({ x }, { "one.weight": c, "two.weight": d, "three.weight": e });
  },
});

/** At the border the padding is 0 and the channel is not: no bias is both. */
export const padded: Pattern = {
  name: "Sigmoid before a convolution with padding",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const one = n.op("Sigmoid", [n.conv("one", "x", 3, c)]);
    n.classify(relu(n, n.conv("two", one, c, d)), d);
    return n.done({ x }, { "two.weight": d }, { "one.weight": /0\.5.*no bias/ });
  },
};

/** The constant passes an average pooling, an Add of two constants, and Flatten before it meets a bias. */
export const folded: Pattern = {
  name: "constants that travel",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(4, 10)];
    const x = n.image(3, 8);
    const one = n.op("Sigmoid", [n.conv("one", "x", 3, c)]);
    const two = n.op("Exp", [n.op("Tanh", [n.conv("two", "x", 3, c, { kernel: 1 })])]);
    const pooled = n.op("AveragePool", [n.op("Add", [one, two])], { kernel_shape: [2, 2], strides: [2, 2] });
    const scaled = n.op("Mul", [pooled, n.scalar(0.5)]);
    const flat = n.op("Flatten", [scaled]);
    const hidden = n.op("Cos", [n.linear("hidden", flat, 16 * c, d)]);
    n.b.output(n.linear("out", hidden, d, 4, false), "float32", ["batch", 4]);
    return n.done({ x }, { "one.weight": c, "hidden.weight": d });
  },
};

/** Constants along the channels between two layers: shifts, gains, slopes, bounds. */
export const shifted: Pattern = {
  name: "shifts, gains and slopes",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const along = (name: string, size: number) => n.constant(name, n.normals([size, 1, 1]));
    const one = n.conv("one", "x", 3, c, { bias: false });
    const moved = n.op("Add", [n.op("Mul", [along("gain", c), one]), along("shift", c)]);
    const sloped = n.op("PRelu", [moved, along("slope", c)]);
    const divided = n.op("Div", [sloped, n.constant("divisor", n.positive([1, c, 1, 1]))]);
    const leaky = n.op("LeakyRelu", [n.op("Sub", [n.conv("two", divided, c, d), along("less", d)])], { alpha: 0.1 });
    n.classify(n.op("Mul", [leaky, n.op("Softplus", [leaky])]), d);
    return n.done({ x }, { "one.weight": c, "two.weight": d });
  },
};

/** Pad with zeros goes along; the average over a window counts what was padded. */
export const framed: Pattern = {
  name: "Pad and pooling at the border",
  make(seed) {
    const n = net(seed);
    const [c, d, e] = [n.size(3, 9), n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const one = n.op("Pad", [relu(n, n.conv("one", "x", 3, c)), n.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
    const two = relu(n, n.conv("two", one, c, d, { pad: 0 }));
    const wide = n.op("Pad", [two, n.ints([0, 0, 2, 2, 0, 0, 2, 2])], { mode: "reflect" });
    const pooled = n.op("AveragePool", [n.conv("three", wide, d, e)], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
    });
    n.classify(pooled, e);
    return n.done({ x }, { "one.weight": c, "two.weight": d, "three.weight": e });
  },
};

/** Normalisations over the very axis that would be cut, and one that is not. */
export const normalised: Pattern = {
  name: "statistics over the channels",
  make(seed) {
    const n = net(seed);
    const [c, d, e, f] = [n.size(3, 9), n.size(3, 9), n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const local = n.op("LRN", [n.conv("lrn", "x", 3, c)], { size: 3 });
    const soft = n.op("Softmax", [n.conv("soft", local, c, d)], { axis: 1 });
    const own = n.op("InstanceNormalization", [
      n.conv("instance", soft, d, e),
      n.constant("instance.scale", n.positive([e])),
      n.constant("instance.shift", n.normals([e])),
    ]);
    const mean = n.op("ReduceMean", [n.conv("mean", relu(n, own), e, f)], { axes: [1], keepdims: 1 });
    n.b.output(n.op("Mul", [mean, n.constant("two", float32([], [2]))]), "float32", ["batch", 1, 8, 8]);
    return n.done({ x }, { "instance.weight": e, "mean.weight": f }, { "lrn.weight": /LRN/, "soft.weight": /Softmax/ });
  },
};

export const constantChannels: readonly Pattern[] = [
  unpadded("Sigmoid"),
  unpadded("HardSigmoid", { alpha: 0.3 }),
  unpadded("Cos"),
  padded,
  folded,
  shifted,
  framed,
  normalised,
];
