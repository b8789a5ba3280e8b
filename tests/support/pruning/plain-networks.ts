// Convolutional networks whose channels are coupled by what stands side by side: residual adds, Concat, products.

import { type Net, net, type Pattern } from "./parts.js";

const relu = (n: Net, x: string) => n.op("Relu", [x]);

export const plain: Pattern = {
  name: "plain",
  make(seed) {
    const n = net(seed);
    const [a, c] = [n.size(3, 13), n.size(3, 13)];
    const x = n.image(3, 9);
    const first = n.op("MaxPool", [relu(n, n.conv("one", "x", 3, a))], { kernel_shape: [2, 2], strides: [2, 2] });
    n.classify(n.op("Tanh", [n.conv("two", first, a, c)]), c);
    return n.done({ x }, { "one.weight": a, "two.weight": c });
  },
};

export const residual: Pattern = {
  name: "residual",
  make(seed) {
    const n = net(seed);
    const [c, d, e, f] = [n.size(4, 12), n.size(3, 11), n.size(3, 11), n.size(4, 12)];
    const x = n.image(3, 8);
    const stem = relu(n, n.norm("stem.norm", n.conv("stem", "x", 3, c, { bias: false }), c));
    const inner = relu(n, n.norm("a.norm1", n.conv("a.conv1", stem, c, d, { bias: false }), d));
    const first = relu(n, n.op("Add", [n.norm("a.norm2", n.conv("a.conv2", inner, d, c, { bias: false }), c), stem]));
    const other = relu(n, n.norm("b.norm1", n.conv("b.conv1", first, c, e, { stride: 2 }), e));
    const short = n.norm("b.norm3", n.conv("b.short", first, c, f, { kernel: 1, stride: 2 }), f);
    const second = n.op("Add", [short, n.norm("b.norm2", n.conv("b.conv2", other, e, f), f)]);
    n.classify(relu(n, second), f);
    return n.done({ x }, { "stem.weight": c, "a.conv1.weight": d, "b.conv1.weight": e, "b.short.weight": f });
  },
};

export const preActivation: Pattern = {
  name: "pre-activation",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(4, 12), n.size(3, 11)];
    const x = n.image(3, 8);
    const stem = n.conv("stem", n.norm("first", "x", 3), 3, c);
    const before = relu(n, n.norm("norm1", stem, c));
    const inner = relu(n, n.norm("norm2", n.conv("conv1", before, c, d), d));
    const sum = n.op("Add", [stem, n.conv("conv2", inner, d, c)]);
    n.classify(relu(n, n.norm("norm3", sum, c)), c);
    return n.done({ x }, { "stem.weight": c, "conv1.weight": d });
  },
};

export const dense: Pattern = {
  name: "dense",
  make(seed) {
    const n = net(seed);
    const sizes = [n.size(4, 9), n.size(3, 7), n.size(3, 7), n.size(3, 7)];
    const x = n.image(3, 8);
    const parts = [n.conv("stem", "x", 3, sizes[0]!)];
    const total = (upTo: number) => sizes.slice(0, upTo).reduce((all, one) => all + one, 0);
    for (let i = 1; i < sizes.length; i++) {
      const all = i === 1 ? parts[0]! : n.op("Concat", [...parts], { axis: 1 });
      const ready = relu(n, n.norm(`layer${i}.norm`, all, total(i)));
      parts.push(n.conv(`layer${i}`, ready, total(i), sizes[i]!));
    }
    n.classify(n.op("Concat", parts, { axis: -3 }), total(4));
    return n.done(
      { x },
      { "stem.weight": sizes[0]!, "layer1.weight": sizes[1]!, "layer2.weight": sizes[2]!, "layer3.weight": sizes[3]! },
    );
  },
};

export const inception: Pattern = {
  name: "inception",
  make(seed) {
    const n = net(seed);
    const [c, one, two, three, pooled, last] = [5, 6, 7, 4, 3, 9].map((most) => n.size(3, most)) as number[];
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, c!));
    const a = relu(n, n.conv("one", stem, c!, one!, { kernel: 1 }));
    const narrow = relu(n, n.conv("two.narrow", stem, c!, two!, { kernel: 1 }));
    const wide = relu(n, n.conv("two.wide", narrow, two!, three!, { kernel: 5 }));
    const pool = n.op("MaxPool", [stem], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const d = relu(n, n.conv("pooled", pool, c!, pooled!, { kernel: 1 }));
    const all = n.op("Concat", [a, wide, d], { axis: 1 });
    n.classify(relu(n, n.conv("last", all, one! + three! + pooled!, last!)), last!);
    return n.done(
      { x },
      {
        "stem.weight": c!,
        "one.weight": one!,
        "two.narrow.weight": two!,
        "two.wide.weight": three!,
        "pooled.weight": pooled!,
        "last.weight": last!,
      },
    );
  },
};

export const separable: Pattern = {
  name: "depthwise separable",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(4, 12), n.size(4, 12)];
    const x = n.image(3, 9);
    n.constant("zero", n.normals([], 0));
    const six = n.scalar(6);
    const clip = (v: string) => n.op("Clip", [v, "zero", six]);
    const stem = clip(n.norm("stem.norm", n.conv("stem", "x", 3, c), c));
    const deep = clip(n.norm("deep.norm", n.conv("deep", stem, c, c, { group: c, stride: 2, bias: false }), c));
    const point = n.op("HardSwish", [n.conv("point", deep, c, d, { kernel: 1 })]);
    n.classify(clip(n.conv("deep2", point, d, d, { group: d })), d);
    return n.done({ x }, { "stem.weight": c, "point.weight": d });
  },
};

/** A depthwise layer of multiplier 2: each input channel gives two of the output's. */
export const multiplier: Pattern = {
  name: "depthwise with multiplier",
  make(seed) {
    const n = net(seed);
    const c = n.size(3, 8);
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    n.classify(relu(n, n.conv("deep", stem, c, 2 * c, { group: c })), 2 * c);
    return n.done({ x }, { "stem.weight": c });
  },
};

export const squeezeExcite: Pattern = {
  name: "squeeze and excite",
  make(seed) {
    const n = net(seed);
    const [c, r, d] = [n.size(4, 12), n.size(3, 5), n.size(3, 9)];
    const x = n.image(3, 8);
    const gate = (name: string, v: string, from: number, by: string) => {
      const squeezed = relu(n, n.conv(`${name}.squeeze`, n.op("GlobalAveragePool", [v]), from, r, { kernel: 1 }));
      return n.op("Mul", [v, n.op(by, [n.conv(`${name}.excite`, squeezed, r, from, { kernel: 1 })])]);
    };
    const first = gate("se1", relu(n, n.conv("one", "x", 3, c)), c, "Sigmoid");
    const second = gate("se2", relu(n, n.conv("two", first, c, d)), d, "HardSigmoid");
    n.classify(second, d);
    return n.done({ x }, { "one.weight": c, "se1.squeeze.weight": r, "two.weight": d, "se2.squeeze.weight": r });
  },
};

/** The same convolution over two scales, and the results side by side. */
export const shared: Pattern = {
  name: "shared weights",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const stem = relu(n, n.conv("stem", "x", 3, c));
    const w = n.constant("both.weight", n.normals([d, c, 1, 1], 0.5));
    const twice = [stem, n.op("Tanh", [stem])].map((v) => n.op("Conv", [v, w], { kernel_shape: [1, 1] }));
    n.classify(n.op("Concat", twice, { axis: 1 }), 2 * d);
    return n.done({ x }, { "stem.weight": c, "both.weight": d });
  },
};

export const plainNetworks: readonly Pattern[] = [
  plain,
  residual,
  preActivation,
  dense,
  inception,
  separable,
  multiplier,
  squeezeExcite,
  shared,
];
