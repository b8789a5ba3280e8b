// Operators that move numbers, between two layers: which channels may go, and that the cut model is the masked one.
// Long because every operator and form of it is a case.

import { describe, expect, test } from "vitest";
import {
  freeBatchDifference,
  imagePassage,
  type Passage,
  provePassage,
  sequencePassage,
} from "../../../tests/support/pruning/passage.js";
import { float32, int64 } from "../../tensor/tensor.js";

const images: readonly Passage[] = [
  {
    name: "Reshape with 0 and -1",
    freeBatch: true,
    between: (n, x, c) => n.op("Reshape", [n.op("Reshape", [x, n.ints([0, 0, -1])]), n.ints([-1, c, 8, 8])]),
  },
  {
    name: "Reshape with allowzero",
    between(n, x, c) {
      const flat = n.op("Reshape", [x, n.ints([2, c, 64])], { allowzero: 1 });
      return n.op("Reshape", [flat, n.ints([2, -1, 8, 8])], { allowzero: 1 });
    },
  },
  {
    name: "Reshape of channels into two axes and back",
    channels: 12,
    free: () => ({ "one.weight": 2 }),
    between(n, x, c) {
      const apart = n.op("Reshape", [x, n.ints([0, 3, c / 3, 8, 8])]);
      const own = n.op("Mul", [apart, n.constant("three", n.normals([3, 1, 1, 1]))]);
      const scaled = n.op("Mul", [own, n.constant("four", n.normals([c / 3, 1, 1]))]);
      const most = n.op("ReduceMax", [scaled], { axes: [1], keepdims: 0 });
      return [n.op("Reshape", [n.op("Reshape", [most, n.ints([0, 2, -1])]), n.ints([0, c / 3, 8, 8])]), c / 3];
    },
  },
  {
    name: "Reshape by a constant width in a Shape chain",
    freeBatch: true,
    between(n, x, c) {
      const batch = n.op("Gather", [n.op("Shape", [x]), n.ints([0])]);
      const flat = n.op("Reshape", [x, n.op("Concat", [batch, n.ints([c, 64])], { axis: 0 })]);
      return n.op("Reshape", [flat, n.op("Shape", [x])]);
    },
  },
  {
    name: "Reshape and Expand by Shape chains before Where could be used",
    opset: 8,
    freeBatch: true,
    between(n, x, c) {
      const batch = n.op("Slice", [n.op("Shape", [x])], { starts: [0], ends: [1], axes: [0] });
      const flat = n.op("Reshape", [x, n.op("Concat", [batch, n.ints([c, 64])], { axis: 0 })]);
      const mask = n.op("Reshape", [n.conv("mask", "x", 3, 1, { kernel: 1 }), n.ints([0, 1, 64])]);
      const wide = n.op("Expand", [mask, n.op("Shape", [flat])]);
      return n.op("Reshape", [n.op("Mul", [wide, flat]), n.op("Shape", [x])]);
    },
  },
  {
    name: "channels in the place of the batch",
    freeBatch: true,
    between(n, x) {
      const dims = n.op("Shape", [x]);
      const [batch, c] = [n.op("Gather", [dims, n.ints([0])]), n.op("Gather", [dims, n.ints([1])])];
      const merged = n.op("Concat", [n.op("Mul", [batch, c]), n.ints([1, 8, 8])], { axis: 0 });
      const each = n.op("MaxPool", [n.op("Reshape", [x, merged])], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
      const value = { type: "tensor", value: float32([1], [0.5]) } as const;
      const halved = n.op("Mul", [each, n.op("ConstantOfShape", [merged], { value })]);
      return n.op("Reshape", [halved, n.op("Concat", [batch, c, n.ints([8, 8])], { axis: 0 })]);
    },
  },
  {
    name: "numbers from sizes",
    freeBatch: true,
    between(n, x) {
      const dims = n.op("Shape", [x]);
      const c = n.op("Cast", [n.op("Gather", [dims, n.ints([1])])], { to: 1 });
      const all = n.op("Cast", [n.op("Size", [x])], { to: 1 });
      return n.op("Mul", [n.op("Div", [x, n.op("Sqrt", [c])]), n.op("Log", [all])]);
    },
  },
  {
    name: "Shape from start to end, ConstantOfShape",
    freeBatch: true,
    between(n, x) {
      const [batch, c] = [n.op("Shape", [x], { start: 0, end: 1 }), n.op("Shape", [x], { start: -3, end: -2 })];
      const sizes = n.op("Concat", [batch, c, n.ints([1, 8])], { axis: 0 });
      const value = { type: "tensor", value: float32([1], [0.5]) } as const;
      return n.op("Mul", [x, n.op("ConstantOfShape", [sizes], { value })]);
    },
  },
  {
    name: "Squeeze and Unsqueeze by attributes",
    opset: 12,
    between(n, x) {
      const wide = n.op("Unsqueeze", [x], { axes: [1, 3] });
      return n.op("Squeeze", [wide], { axes: [1, 3] });
    },
  },
  {
    name: "Transpose without an order",
    between: (n, x) => n.op("Transpose", [n.op("Transpose", [x])]),
  },
  {
    name: "Concat of one value twice, the axis from the end",
    between: (n, x, c) => [n.op("Concat", [x, n.op("Abs", [x]), x], { axis: -3 }), 3 * c],
  },
  {
    name: "Concat with the input",
    between: (n, x, c) => [n.op("Concat", ["x", x], { axis: 1 }), c + 3],
  },
  {
    name: "Split in unequal parts by an attribute",
    opset: 11,
    channels: 9,
    free: () => ({ "one.weight": 2, "one.weight#2": 7 }),
    between(n, x, c) {
      const [a, b] = n.b.nodes("Split", [x], { outputs: 2, attributes: { axis: 1, split: [2, 7] } });
      return [n.op("Concat", [b!, a!], { axis: 1 }), c];
    },
  },
  {
    name: "Split in three with a smaller last",
    opset: 18,
    channels: 8,
    free: () => ({ "one.weight": 3, "one.weight#2": 3, "one.weight#3": 2 }),
    between(n, x, c) {
      const parts = n.b.nodes("Split", [x], { outputs: 3, attributes: { axis: 1, num_outputs: 3 } });
      return [n.op("Concat", parts.reverse(), { axis: 1 }), c];
    },
  },
  {
    name: "Split whose halves are multiplied",
    free: (c) => ({ "one.weight": c / 2 }),
    between(n, x, c) {
      const [a, b] = n.b.nodes("Split", [x], { outputs: 2, attributes: { axis: -3 } });
      return [n.op("Mul", [a!, n.op("Sigmoid", [b!])]), c / 2];
    },
  },
  {
    name: "Slice with steps, one half backwards",
    channels: 10,
    free: () => ({ "one.weight": 5, "one.weight#2": 5 }),
    between(n, x, c) {
      const even = n.op("Slice", [x, n.ints([0]), n.ints([100]), n.ints([1]), n.ints([2])]);
      const odd = n.op("Slice", [x, n.ints([-1]), n.ints([-100]), n.ints([-3]), n.ints([-2])]);
      return [n.op("Concat", [odd, even], { axis: 1 }), c];
    },
  },
  {
    name: "Slice of channels and of pixels, others unused",
    channels: 9,
    free: () => ({ "one.weight": 3, "one.weight#2": 6 }),
    between(n, x) {
      const part = n.op("Slice", [x, n.ints([2, 1]), n.ints([-1, 2 ** 31]), n.ints([1, 2])]);
      return [part, 6];
    },
  },
  {
    name: "Slice by attributes",
    opset: 9,
    channels: 7,
    free: () => ({ "one.weight": 4, "one.weight#2": 3 }),
    between(n, x) {
      const part = (from: number, to: number) => n.op("Slice", [x], { starts: [0, from], ends: [9, to] });
      return [n.op("Concat", [part(4, 7), part(0, 4)], { axis: 1 }), 7];
    },
  },
  {
    name: "Slice by computed bounds",
    kept: /bounds of Slice along it are computed/,
    between(n, x, c) {
      const end = n.op("Gather", [n.op("Shape", [x]), n.ints([1])]);
      return [n.op("Slice", [x, n.ints([0]), end, n.ints([1])]), c];
    },
  },
  {
    name: "Slice of pixels by computed bounds",
    between(n, x) {
      const end = n.op("Gather", [n.op("Shape", [x]), n.ints([2])]);
      return n.op("Slice", [x, n.ints([1]), end, n.ints([2])]);
    },
  },
  {
    name: "Gather in another order, one channel twice, one not",
    free: (c) => ({ "one.weight": 1, "one.weight#2": c - 2, "one.weight#3": 1 }),
    between: (n, x) => [n.op("Gather", [x, n.ints([5, 0, -3, 1, 0, 4])], { axis: 1 }), 6],
  },
  {
    name: "Gather of one channel",
    free: (c) => ({ "one.weight": c - 1 }),
    between(n, x) {
      const index = n.constant("index", int64([], [2]));
      return [n.op("Unsqueeze", [n.op("Gather", [x, index], { axis: 1 }), n.ints([1])]), 1];
    },
  },
  {
    name: "Gather by computed indices",
    kept: /computed indices/,
    between(n, x) {
      const index = n.op("Cast", [n.op("ReduceMax", ["x"], { keepdims: 0 })], { to: 7 });
      const within = n.op("Mul", [index, n.constant("zero", int64([1], [0]))]);
      return [n.op("Gather", [x, within], { axis: 1 }), 1];
    },
  },
  {
    name: "Pad of channels on both sides (shortcut of a CIFAR ResNet)",
    channels: 4,
    free: () => ({ "one.weight": 4, "other.weight": 5 }),
    between(n, x) {
      const wide = n.op("Pad", [x, n.ints([0, 2, 0, 0, 0, 3, 0, 0])]);
      const other = n.conv("other", "x", 3, 9);
      return [n.op("Relu", [n.op("Add", [wide, other])]), 9];
    },
  },
  {
    name: "Pad by attributes, cropping a channel",
    opset: 10,
    channels: 5,
    free: () => ({ "one.weight": 1, "one.weight#2": 4 }),
    between: (n, x) => [n.op("Pad", [x], { pads: [0, -1, 1, 0, 0, 0, 0, 2] }), 4],
  },
  {
    name: "Pad of some axes",
    opset: 18,
    between: (n, x) => n.op("Pad", [x, n.ints([1, 2]), n.scalar(0), n.ints([-1])]),
  },
  {
    name: "Pad with another number",
    kept: /depends on the data/,
    between: (n, x) => n.op("Pad", [x, n.ints([0, 0, 1, 1, 0, 0, 1, 1]), n.scalar(0.5)]),
  },
  {
    name: "Pad that mirrors pixels",
    between: (n, x) => n.op("Pad", [x, n.ints([0, 0, 1, 1, 0, 0, 1, 1])], { mode: "reflect" }),
  },
  {
    name: "Pad that mirrors channels",
    kept: /beyond its border/,
    between: (n, x, c) => [n.op("Pad", [x, n.ints([0, 2, 0, 0, 0, 0, 0, 0])], { mode: "reflect" }), c + 2],
  },
  {
    name: "Resize by sizes",
    between(n, x, c) {
      const sizes = n.ints([2, c, 5, 11]);
      return n.op("Resize", [x, "", "", sizes], { mode: "linear" });
    },
  },
  {
    name: "Resize by computed sizes",
    freeBatch: true,
    between(n, x) {
      const first = n.op("Slice", [n.op("Shape", [x]), n.ints([0]), n.ints([2])]);
      return n.op("Resize", [x, "", "", n.op("Concat", [first, n.ints([12, 4])], { axis: 0 })], { mode: "nearest" });
    },
  },
  {
    name: "Resize of two axes, anti-aliased",
    opset: 18,
    between: (n, x) => n.op("Resize", [x, "", "", n.ints([5, 5])], { axes: [2, 3], mode: "linear", antialias: 1 }),
  },
  {
    name: "Resize of opset 10",
    opset: 10,
    between: (n, x) => n.op("Resize", [x, n.constant("scales", float32([4], [1, 1, 2, 2]))], { mode: "nearest" }),
  },
  {
    name: "Resize by scales, cubic",
    between: (n, x) => n.op("Resize", [x, "", n.constant("scales", float32([4], [1, 1, 1.5, 2]))], { mode: "cubic" }),
  },
  {
    name: "Upsample",
    opset: 9,
    between: (n, x) => n.op("Upsample", [x, n.constant("scales", float32([4], [1, 1, 2, 3]))], { mode: "nearest" }),
  },
  {
    name: "Resize of channels",
    kept: /Resize samples along it/,
    between: (n, x, c) => [n.op("Resize", [x, "", n.constant("scales", float32([4], [1, 2, 1, 1]))]), 2 * c],
  },
  {
    name: "Expand of pixels, by constant sizes",
    freeBatch: true,
    between(n, x, c) {
      const mean = n.op("GlobalAveragePool", [x]);
      return n.op("Add", [x, n.op("Expand", [mean, n.ints([1, c, 8, 8])])]);
    },
  },
  {
    name: "Expand of pixels, by the shape of another value",
    freeBatch: true,
    between: (n, x) => n.op("Mul", [x, n.op("Expand", [n.op("GlobalMaxPool", [x]), n.op("Shape", [x])])]),
  },
  {
    name: "Expand of one channel to all",
    freeBatch: true,
    between(n, x) {
      const mask = n.conv("mask", "x", 3, 1, { kernel: 1 });
      return n.op("Mul", [x, n.op("Expand", [mask, n.op("Shape", [x])])]);
    },
  },
  {
    name: "Tile of channels",
    between: (n, x, c) => [n.op("Tile", [x, n.ints([1, 3, 1, 2])]), 3 * c],
  },
  {
    name: "Tile of one channel to all",
    between(n, x, c) {
      const mask = n.conv("mask", "x", 3, 1, { kernel: 1 });
      return n.op("Mul", [n.op("Tile", [mask, n.ints([1, c, 1, 1])]), x]);
    },
  },
  {
    name: "Tile by computed repeats",
    freeBatch: true,
    between(n, x) {
      const c = n.op("Gather", [n.op("Shape", [x]), n.ints([1])]);
      const mask = n.conv("mask", "x", 3, 1, { kernel: 1 });
      const repeats = n.op("Concat", [n.ints([1]), c, n.ints([1, 1])], { axis: 0 });
      return n.op("Mul", [n.op("Tile", [mask, repeats]), x]);
    },
  },
  {
    name: "DepthToSpace, depth first",
    channels: 12,
    free: () => ({ "one.weight": 3 }),
    between: (n, x, c) => [n.op("DepthToSpace", [x], { blocksize: 2 }), c / 4],
  },
  {
    name: "DepthToSpace, column first",
    channels: 12,
    free: () => ({ "one.weight": 3 }),
    between: (n, x, c) => [n.op("DepthToSpace", [x], { blocksize: 2, mode: "CRD" }), c / 4],
  },
  {
    name: "SpaceToDepth",
    channels: 5,
    between: (n, x, c) => [n.op("SpaceToDepth", [x], { blocksize: 2 }), 4 * c],
  },
  {
    name: "ScatterND of whole images",
    between(n, x) {
      const where = n.constant("where", int64([1, 1], [1]));
      return n.op("ScatterND", [x, where, n.op("Slice", [x, n.ints([0]), n.ints([1]), n.ints([0])])]);
    },
  },
  {
    name: "NonZero",
    kept: /numbers of positions/,
    between(n, x) {
      const count = n.op("Cast", [n.op("ReduceMax", [n.op("NonZero", [x])], { keepdims: 0 })], { to: 1 });
      return n.op("Mul", [x, count]);
    },
  },
];

const sequences: readonly Passage[] = [
  {
    name: "GatherElements along the sequence",
    between(n, x) {
      const indices = n.b.nodes("TopK", [x, n.ints([4])], { outputs: 2, attributes: { axis: 1 } })[1]!;
      return n.op("GatherElements", [x, indices], { axis: 1 });
    },
  },
  {
    name: "GatherElements along the channels",
    kept: /TopK compares/,
    between(n, x, c) {
      const [, indices] = n.b.nodes("TopK", [x, n.ints([c])], { outputs: 2 });
      return n.op("GatherElements", [x, indices!], { axis: -1 });
    },
  },
  {
    name: "GatherND of steps of each sample",
    between(n, x) {
      const steps = n.constant("steps", int64([2, 3, 1], [4, 0, 2, 1, 1, 3]));
      return n.op("GatherND", [x, steps], { batch_dims: 1 });
    },
  },
  {
    name: "GatherND of samples and steps",
    between(n, x) {
      const places = n.constant("places", int64([3, 2], [0, 4, 1, 0, 1, 2]));
      return n.op("GatherND", [x, places]);
    },
  },
  {
    name: "ReverseSequence",
    between: (n, x) => n.op("ReverseSequence", [x, n.ints([3, 5])], { time_axis: 1, batch_axis: 0 }),
  },
  {
    name: "CumSum along the sequence",
    between: (n, x) => n.op("CumSum", [x, n.constant("axis", int64([], [1]))], { reverse: 1 }),
  },
  {
    name: "CumSum along the channels",
    kept: /adds positions/,
    between: (n, x) => n.op("CumSum", [x, n.constant("axis", int64([], [-1]))]),
  },
  {
    name: "TopK along the sequence",
    between: (n, x) => n.b.nodes("TopK", [x, n.ints([2])], { outputs: 2, attributes: { axis: 1 } })[0]!,
  },
  {
    name: "Trilu across",
    between(n, x) {
      const turned = n.op("Transpose", [x], { perm: [2, 0, 1] });
      return n.op("Transpose", [n.op("Trilu", [turned], { upper: 0 })], { perm: [1, 2, 0] });
    },
  },
  {
    name: "Trilu of the channels",
    kept: /triangle/,
    between: (n, x) => n.op("Trilu", [x]),
  },
  {
    name: "ScatterElements along the sequence",
    between(n, x) {
      const [values, indices] = n.b.nodes("TopK", [x, n.ints([2])], { outputs: 2, attributes: { axis: 1 } });
      return n.op("ScatterElements", [x, indices!, n.op("Mul", [values!, n.scalar(3)])], { axis: 1 });
    },
  },
  {
    name: "Gather of rows and of a table's columns",
    free: (c) => ({ "one.weight": c }),
    between(n, x, c) {
      const table = n.constant("table", n.normals([7, c]));
      const rows = n.op("Gather", [table, n.op("ArgMax", ["x"], { axis: 2, keepdims: 0 })]);
      return n.op("Add", [x, rows]);
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

describe("groups of one sample are right for two", () => {
  test.each(named(images.filter(({ freeBatch }) => freeBatch)))("%s", async (_, passage) => {
    expect(await freeBatchDifference(imagePassage(passage, 2))).toBeUndefined();
  });
});

describe("between products", () => {
  test.each(named(sequences))("%s", async (_, passage) => {
    const made = sequencePassage(passage, 1);
    expect(await provePassage(made)).toEqual(made.free);
  });
});
