// Normalisations, pooling, reductions and Softmax between two layers: which channels may go, and that the cut model is the
// masked one.
// Long because every operator and form of it is a case.

import { describe, expect, test } from "vitest";
import type { Net } from "../../../tests/support/pruning/parts.js";
import { imagePassage, type Passage, provePassage, sequencePassage } from "../../../tests/support/pruning/passage.js";
import { float32 } from "../../tensor/tensor.js";

const vectors = (n: Net, name: string, size: number) => [
  n.constant(`${name}.scale`, n.positive([size])),
  n.constant(`${name}.shift`, n.normals([size])),
];

const images: readonly Passage[] = [
  {
    name: "BatchNormalization behind Sigmoid",
    between: (n, x, c) => n.norm("norm", n.op("Sigmoid", [x]), c),
  },
  {
    name: "BatchNormalization in training mode",
    kept: /training mode/,
    between(n, x, c) {
      const own = [...vectors(n, "norm", c), n.constant("mean", n.normals([c])), n.constant("var", n.positive([c]))];
      return n.b.nodes("BatchNormalization", [x, ...own], { outputs: 3, attributes: { training_mode: 1 } })[0]!;
    },
  },
  {
    name: "InstanceNormalization",
    between: (n, x, c) => n.op("InstanceNormalization", [x, ...vectors(n, "norm", c)], { epsilon: 0.01 }),
  },
  {
    name: "GroupNormalization, numbers for each channel",
    opset: 21,
    channels: 12,
    free: () => ({ "one.weight": 4 }),
    between: (n, x, c) => n.op("GroupNormalization", [x, ...vectors(n, "norm", c)], { num_groups: 4, epsilon: 0.1 }),
  },
  {
    name: "GroupNormalization, numbers for each group",
    opset: 18,
    channels: 9,
    free: () => ({ "one.weight": 3 }),
    between: (n, x) => n.op("GroupNormalization", [x, ...vectors(n, "norm", 3)], { num_groups: 3, epsilon: 0.1 }),
  },
  {
    name: "GroupNormalization as exporters write it",
    channels: 12,
    free: () => ({ "one.weight": 4 }),
    between(n, x, c) {
      const ones = [n.constant("ones", n.positive([4])), n.constant("zeros", n.normals([4]))];
      const apart = n.op("Reshape", [x, n.ints([0, 4, -1])]);
      const whole = n.op("Reshape", [n.op("InstanceNormalization", [apart, ...ones]), n.op("Shape", [x])]);
      const scaled = n.op("Mul", [whole, n.constant("scale", n.positive([c, 1, 1]))]);
      return n.op("Add", [scaled, n.constant("shift", n.normals([c, 1, 1]))]);
    },
  },
  { name: "LRN", kept: /neighbours/, between: (n, x) => n.op("LRN", [x], { size: 3 }) },
  {
    name: "LpNormalization along the channels",
    between: (n, x) => n.op("LpNormalization", [n.op("Add", [x, n.op("Abs", [x])])], { axis: 1, p: 1 }),
  },
  {
    name: "MeanVarianceNormalization",
    kept: /depends on the data/,
    between: (n, x) => n.op("MeanVarianceNormalization", [x]),
  },
  {
    name: "MeanVarianceNormalization over the channels",
    kept: /mean over it/,
    between: (n, x) => n.op("MeanVarianceNormalization", [x], { axes: [1, 2] }),
  },
  {
    name: "MaxPool with ceil mode and dilation",
    between: (n, x) =>
      n.op("MaxPool", [x], {
        kernel_shape: [3, 2],
        strides: [2, 2],
        dilations: [1, 2],
        pads: [1, 0, 1, 0],
        ceil_mode: 1,
      }),
  },
  {
    name: "MaxPool with indices",
    kept: /indices that MaxPool gives/,
    between(n, x) {
      const [y, places] = n.b.nodes("MaxPool", [x], { outputs: 2, attributes: { kernel_shape: [2, 2] } });
      return n.op("Mul", [y!, n.op("Cast", [places!], { to: 1 })]);
    },
  },
  {
    name: "AveragePool of what is not zero, border not counted",
    between: (n, x) => n.op("AveragePool", [n.op("Sigmoid", [x])], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  },
  {
    name: "AveragePool of what is not zero, zeros of the border counted",
    kept: /depends on the data/,
    between: (n, x) =>
      n.op("AveragePool", [n.op("Sigmoid", [x])], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
        count_include_pad: 1,
      }),
  },
  {
    name: "AveragePool with a counted border",
    between: (n, x) => n.op("AveragePool", [x], { kernel_shape: [3, 3], auto_pad: "SAME_UPPER", count_include_pad: 1 }),
  },
  { name: "LpPool", between: (n, x) => n.op("LpPool", [x], { kernel_shape: [2, 2], p: 2 }) },
  {
    name: "global pooling",
    between: (n, x) => n.op("Add", [n.op("GlobalMaxPool", [x]), n.op("GlobalLpPool", [x], { p: 2 })]),
  },
  {
    name: "mean of the channels beside them",
    between: (n, x) => n.op("Mul", [x, n.op("ReduceMean", [x], { axes: [1] })]),
  },
  {
    name: "mean of everything but the batch",
    between: (n, x) => n.op("Mul", [x, n.op("ReduceMean", [x], { axes: [-1, 1, 2] })]),
  },
  {
    name: "mean by an input",
    opset: 18,
    between: (n, x) => n.op("Mul", [x, n.op("ReduceMean", [x, n.ints([-3])])]),
  },
  {
    name: "mean of what is not zero",
    kept: /sums over it/,
    between(n, x) {
      const y = n.op("Sigmoid", [x]);
      return n.op("Mul", [y, n.op("ReduceMean", [y], { axes: [1] })]);
    },
  },
  {
    name: "sums, and sums of squares",
    between(n, x) {
      const sum = n.op("ReduceSum", [x, n.ints([1])]);
      const squares = n.op("ReduceSumSquare", [x], { axes: [1] });
      const norms = n.op("Add", [n.op("ReduceL1", [x], { axes: [1, 3] }), n.op("ReduceL2", [x], { axes: [1] })]);
      return n.op("Mul", [x, n.op("Add", [n.op("Add", [sum, squares]), norms])]);
    },
  },
  {
    name: "sum of what is not zero",
    kept: /sums over it/,
    between(n, x) {
      const y = n.op("Cos", [x]);
      return n.op("Mul", [x, n.op("ReduceSum", [y, n.ints([1])])]);
    },
  },
  {
    name: "sums that keep no axis",
    opset: 11,
    between(n, x) {
      const sum = n.op("ReduceSum", [x], { axes: [1, 3], keepdims: 0 });
      return n.op("Mul", [x, n.op("Unsqueeze", [sum], { axes: [1, 2] })]);
    },
  },
  {
    name: "the largest channel",
    kept: /ReduceMax over it/,
    between: (n, x) => n.op("Mul", [x, n.op("ReduceMax", [x], { axes: [1] })]),
  },
  {
    name: "the largest pixel, without its axes",
    between(n, x) {
      const most = n.op("ReduceMax", [n.op("Sigmoid", [x])], { axes: [2, 3], keepdims: 0 });
      return n.op("Unsqueeze", [most, n.ints([2, 3])]);
    },
  },
  {
    name: "nothing reduced",
    opset: 18,
    between: (n, x) => n.op("ReduceSum", [x], { noop_with_empty_axes: 1 }),
  },
  {
    name: "Softmax over the pixels beside it",
    between: (n, x) => n.op("Mul", [x, n.op("Softmax", [x], { axis: 3 })]),
  },
  {
    name: "Softmax over the channels",
    kept: /Softmax gives a share/,
    between: (n, x) => n.op("Softmax", [x], { axis: 1 }),
  },
  {
    name: "Softmax from an axis on",
    opset: 12,
    kept: /Softmax gives a share/,
    between: (n, x) => n.op("Mul", [x, n.op("Softmax", [x])]),
  },
  {
    name: "LogSoftmax from an axis behind the channels on",
    opset: 11,
    between: (n, x) => n.op("Mul", [x, n.op("LogSoftmax", [x], { axis: 2 })]),
  },
  {
    name: "GridSample",
    opset: 16,
    between: (n, x) =>
      n.op("GridSample", [x, n.constant("grid", n.normals([2, 4, 5, 2]))], { padding_mode: "zeros", align_corners: 1 }),
  },
];

const microsoft = { "com.microsoft": 1 };

const sequences: readonly Passage[] = [
  {
    name: "LayerNormalization",
    kept: /mean over it/,
    between: (n, x, c) => n.op("LayerNormalization", [x, ...vectors(n, "norm", c)]),
  },
  {
    name: "LayerNormalization behind the channels, without a shift",
    between(n, x) {
      const turned = n.op("Transpose", [x], { perm: [0, 2, 1] });
      const own = n.op("LayerNormalization", [turned, n.constant("scale", n.positive([5]))]);
      return n.op("Transpose", [own], { perm: [0, 2, 1] });
    },
  },
  {
    name: "LayerNormalization behind channels that are not zero",
    kept: /depends on the data/,
    between(n, x) {
      const turned = n.op("Transpose", [n.op("Sigmoid", [x])], { perm: [0, 2, 1] });
      const own = n.op("LayerNormalization", [turned, n.constant("scale", n.positive([5]))]);
      return n.op("Transpose", [own], { perm: [0, 2, 1] });
    },
  },
  {
    name: "LayerNormalization behind the channels, with the same shift everywhere",
    between(n, x) {
      const turned = n.op("Transpose", [x], { perm: [0, 2, 1] });
      const shift = n.constant("shift", float32([5], [0.5, 0.5, 0.5, 0.5, 0.5]));
      const own = n.op("LayerNormalization", [turned, n.constant("scale", n.positive([5])), shift]);
      return n.op("Transpose", [own], { perm: [0, 2, 1] });
    },
  },
  {
    name: "LayerNormalization behind the channels, with another shift for each step",
    kept: /depends on the data/,
    between(n, x) {
      const turned = n.op("Transpose", [x], { perm: [0, 2, 1] });
      const own = n.op("LayerNormalization", [turned, ...vectors(n, "norm", 5)]);
      return n.op("Transpose", [own], { perm: [0, 2, 1] });
    },
  },
  {
    name: "LayerNormalization in plain operators",
    kept: /sums over it/,
    between(n, x) {
      const centred = n.op("Sub", [x, n.op("ReduceMean", [x], { axes: [-1] })]);
      const variance = n.op("ReduceMean", [n.op("Mul", [centred, centred])], { axes: [-1] });
      return n.op("Div", [centred, n.op("Sqrt", [n.op("Add", [variance, n.scalar(1e-3)])])]);
    },
  },
  {
    name: "SkipLayerNormalization",
    kept: /mean over it/,
    opsets: microsoft,
    between: (n, x, c) =>
      n.b.node("SkipLayerNormalization", [x, x, ...vectors(n, "norm", c)], { domain: "com.microsoft" }),
  },
  {
    name: "RMSNormalization",
    opset: 23,
    between: (n, x, c) =>
      n.op("RMSNormalization", [x, n.constant("scale", n.positive([c]))], { axis: -1, epsilon: 0.25 }),
  },
  {
    name: "SimplifiedLayerNormalization over two axes",
    signed: true,
    between: (n, x, c) =>
      n.b.node("SimplifiedLayerNormalization", [x, n.constant("scale", n.positive([5, c]))], {
        attributes: { axis: 1, epsilon: 0.125 },
      }),
  },
  {
    name: "SkipSimplifiedLayerNormalization, its sum used too",
    opsets: microsoft,
    between(n, x, c) {
      const other = n.op("Tanh", [x]);
      const scale = n.constant("scale", n.positive([c]));
      const bias = n.constant("bias", n.normals([c]));
      const [y, , , sum] = n.b.nodes("SkipSimplifiedLayerNormalization", [x, other, scale, bias], {
        domain: "com.microsoft",
        outputs: ["y_norm", "", "", "sum"],
        attributes: { epsilon: 0.5 },
      });
      return n.op("Add", [y!, sum!]);
    },
  },
  {
    name: "RMSNormalization in plain operators",
    between(n, x, c) {
      const mean = n.op("ReduceMean", [n.op("Pow", [x, n.scalar(2)])], { axes: [-1] });
      const root = n.op("Sqrt", [n.op("Add", [mean, n.scalar(0.25)])]);
      return n.op("Mul", [n.constant("scale", n.positive([c])), n.op("Mul", [x, n.op("Reciprocal", [root])])]);
    },
  },
  {
    name: "RMSNormalization of what is not zero",
    kept: /sums over it/,
    between: (n, x, c) =>
      n.op("SimplifiedLayerNormalization", [n.op("Cos", [x]), n.constant("scale", n.positive([c]))], { epsilon: 0.1 }),
  },
  {
    name: "mean of the sequence",
    between: (n, x) => n.op("ReduceMean", [x], { axes: [1] }),
  },
  {
    name: "ArgMax along the sequence beside it",
    between(n, x) {
      const last = n.op("Cast", [n.op("ArgMax", [x], { axis: 1 })], { to: 1 });
      return n.op("Mul", [x, last]);
    },
  },
];

const named = (passages: readonly Passage[]) => passages.map((passage) => [passage.name, passage] as const);

describe("between convolutions", () => {
  test.each(named(images))("%s", async (_, passage) => {
    const made = imagePassage(passage, 1);
    expect(await provePassage(made)).toEqual(made.free);
  });
});

describe("between products", () => {
  test.each(named(sequences))("%s", async (_, passage) => {
    const made = sequencePassage(passage, 1);
    expect(await provePassage(made)).toEqual(made.free);
  });
});
