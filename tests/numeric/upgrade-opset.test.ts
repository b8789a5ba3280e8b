// Each operator whose form changed, in its old form and raised, on the engine: equal results. And what is refused.
// Long because the table of operators is one list.

import { describe, expect, it } from "vitest";
import { type AttributeInput, float, floats, graphAttribute, ints } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { upgradeOpset } from "../../src/passes/upgrade-opset.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64, tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { expectSameResults } from "../support/same-results.js";
import { zoo } from "../support/zoo.js";

type Attributes = Readonly<Record<string, AttributeInput>>;

interface Case {
  readonly name: string;
  readonly opset: number;
  readonly build: (b: GraphBuilder) => void;
  readonly feeds: Feeds;
  readonly tolerance?: number;
}

const values = (dims: readonly number[], seed = 1, scale = 1): Value => {
  const r = random(seed);
  const count = dims.reduce((a, b) => a * b, 1);
  return { dtype: "float32", dims, data: Float32Array.from({ length: count }, () => r.normal() * scale) };
};

const absolute = (value: Value): Value => ({
  ...value,
  data: (value.data as Float32Array).map((v) => Math.abs(v) + 0.1),
});

const dynamic = (dims: readonly number[]) => dims.map((_, i) => `d${i}`);

/** One operator over one input of unknown sizes. */
function unary(
  name: string,
  opset: number,
  op: string,
  dims: readonly number[],
  attributes: Attributes = {},
  more: { outputs?: number; inputs?: (b: GraphBuilder) => string[] } = {},
): Case {
  return {
    name: `${op} ${name} (${opset})`,
    opset,
    build(b) {
      b.input("x", "float32", dynamic(dims));
      const rest = more.inputs?.(b) ?? [];
      for (const y of b.nodes(op, ["x", ...rest], { attributes, outputs: more.outputs ?? 1 })) b.output(y);
    },
    feeds: { x: values(dims) },
  };
}

const scales = (b: GraphBuilder) => [b.initializer("s", float32([4], [1, 1, 2, 3]))];
const REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"];

const cases: Case[] = [
  unary("both bounds", 7, "Clip", [3, 4], { min: float(-0.5), max: float(0.5) }),
  unary("lower bound", 8, "Clip", [3, 4], { min: float(0.25) }),
  unary("upper bound", 10, "Clip", [3, 4], { max: float(0.25) }),
  unary("no bound", 10, "Clip", [3, 4]),
  unary("value", 7, "Pad", [2, 3], { pads: [1, 0, 2, 1], value: float(2.5) }),
  unary("reflect", 10, "Pad", [4, 5], { pads: [1, 2, 0, 1], mode: "reflect" }),
  unary("zeros", 10, "Pad", [4, 5], { pads: [0, -1, 0, 1] }),
  unary("axes", 7, "Slice", [4, 5, 6], { axes: [0, 2], starts: [1, -3], ends: [3, 2147483647] }),
  unary("no axes", 9, "Slice", [4, 5], { starts: [1, 0], ends: [-1, 3] }),
  unary("k", 9, "TopK", [3, 8], { k: 3, axis: 1 }, { outputs: 2 }),
  unary(
    "smallest",
    11,
    "TopK",
    [3, 8],
    { largest: 0 },
    { outputs: 2, inputs: (b) => [b.initializer("k", int64([1], [2]))] },
  ),
  unary("ratio", 7, "Dropout", [3, 4], { ratio: float(0.9) }),
  unary("unused mask", 9, "Dropout", [3, 4], { ratio: float(0.9) }),
  unary("default", 10, "Dropout", [3, 4]),
  unary("axes", 11, "Squeeze", [3, 1, 4, 1], { axes: [1, 3] }),
  unary("all", 11, "Squeeze", [3, 1, 4, 1]),
  unary("axes", 12, "Unsqueeze", [3, 4], { axes: [0, 3] }),
  unary("negative", 11, "Unsqueeze", [3, 4], { axes: [-1] }),
  unary("parts", 11, "Split", [2, 7], { axis: 1, split: [2, 5] }, { outputs: 2 }),
  unary("equal", 12, "Split", [2, 6], { axis: 1 }, { outputs: 3 }),
  unary("equal", 13, "Split", [2, 6], { axis: 1 }, { outputs: 2 }),
  ...REDUCTIONS.flatMap((name) => {
    const op = `Reduce${name}`;
    // Logarithms of sums want positive numbers.
    const positive = (c: Case): Case => ({ ...c, feeds: { x: absolute(c.feeds.x!) } });
    return [
      positive(unary("axes", 11, op, [2, 3, 4], { axes: [0, 2], keepdims: 0 })),
      positive(unary("negative axis", 12, op, [2, 3, 4], { axes: [-1] })),
      positive(unary("all", 11, op, [2, 3, 4], { keepdims: 1 })),
    ];
  }),
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((op) => [
    unary("default axis", 7, op, [2, 3, 4]),
    unary("axis 0", 9, op, [2, 3, 4], { axis: 0 }),
    unary("axis 2 of 4", 10, op, [2, 3, 4, 2], { axis: 2 }),
    unary("last axis", 11, op, [2, 3, 4], { axis: -1 }),
    unary("last but one", 12, op, [2, 3, 4], { axis: -2 }),
    unary("matrix", 12, op, [5, 6]),
    unary("empty batch", 12, op, [0, 3, 4]),
  ]),
  unary("nearest", 7, "Upsample", [1, 2, 3, 4], { scales: floats([1, 1, 2, 3]), mode: "nearest" }),
  unary("linear", 8, "Upsample", [1, 2, 3, 4], { scales: floats([1, 1, 2, 2]), mode: "linear" }),
  unary("nearest", 9, "Upsample", [1, 2, 3, 4], { mode: "nearest" }, { inputs: scales }),
  unary("linear", 9, "Upsample", [1, 2, 3, 4], { mode: "linear" }, { inputs: scales }),
  unary("nearest", 10, "Resize", [1, 2, 3, 4], { mode: "nearest" }, { inputs: scales }),
  unary("linear", 10, "Resize", [1, 2, 3, 4], { mode: "linear" }, { inputs: scales }),
  unary(
    "down",
    10,
    "Resize",
    [1, 1, 6, 8],
    { mode: "nearest" },
    {
      inputs: (b) => [b.initializer("s", float32([4], [1, 1, 0.6, 0.3]))],
    },
  ),
  unary(
    "sizes",
    11,
    "Resize",
    [1, 2, 3, 4],
    { mode: "linear" },
    {
      inputs: (b) => [
        b.initializer("roi", float32([0], [])),
        b.initializer("none", float32([0], [])),
        b.initializer("sizes", int64([4], [1, 2, 5, 7])),
      ],
    },
  ),
  unary(
    "scales",
    12,
    "Resize",
    [1, 2, 3, 4],
    { mode: "cubic" },
    {
      inputs: (b) => [b.initializer("roi", float32([0], [])), ...scales(b)],
    },
  ),
  {
    name: "BatchNormalization with spatial (7)",
    opset: 7,
    build(b) {
      b.input("x", "float32", ["n", 3, 4]);
      const vector = (name: string, seed: number) =>
        b.initializer(
          name,
          float32(
            [3],
            (values([3], seed).data as Float32Array).map((v) => Math.abs(v) + 0.1),
          ),
        );
      const parameters = [vector("g", 1), vector("b", 2), vector("m", 3), vector("v", 4)];
      b.output(b.node("BatchNormalization", ["x", ...parameters], { attributes: { spatial: 1, epsilon: 0.001 } }));
    },
    feeds: { x: values([2, 3, 4]) },
  },
  {
    name: "Scatter (9)",
    opset: 9,
    build(b) {
      b.input("x", "float32", ["n", "m"]);
      const where = b.initializer("i", int64([2, 2], [0, 2, 1, 0]));
      const what = b.initializer("u", float32([2, 2], [10, 20, 30, 40]));
      b.output(b.node("Scatter", ["x", where, what], { attributes: { axis: 1 } }));
    },
    feeds: { x: values([3, 3]) },
  },
  {
    name: "RoiAlign (10)",
    opset: 10,
    build(b) {
      b.input("x", "float32", [1, 2, 8, 8]);
      const rois = b.initializer("rois", float32([2, 4], [0.4, 0.3, 5, 6, 2, 1, 7, 7]));
      const batch = b.initializer("batch", int64([2], [0, 0]));
      const attributes = { output_height: 3, output_width: 2, sampling_ratio: 2, spatial_scale: float(0.9) };
      b.output(b.node("RoiAlign", ["x", rois, batch], { attributes }));
    },
    feeds: { x: values([1, 2, 8, 8]) },
  },
  ...["bilinear", "nearest", "bicubic"].map(
    (mode): Case => ({
      name: `GridSample ${mode} (16)`,
      opset: 16,
      build(b) {
        b.input("x", "float32", [1, 2, 5, 5]);
        b.input("g", "float32", [1, 3, 4, 2]);
        b.output(b.node("GridSample", ["x", "g"], { attributes: { mode } }));
      },
      feeds: { x: values([1, 2, 5, 5]), g: values([1, 3, 4, 2], 2, 0.5) },
    }),
  ),
  ...[undefined, 2].map(
    (axis): Case => ({
      name: `DFT axis ${axis} (17)`,
      opset: 17,
      build(b) {
        b.input("x", "float32", [2, 6, 4, 1]);
        b.output(b.node("DFT", ["x"], { attributes: axis === undefined ? {} : { axis } }));
      },
      feeds: { x: values([2, 6, 4, 1]) },
    }),
  ),
  {
    name: "GroupNormalization (18)",
    opset: 18,
    build(b) {
      b.input("x", "float32", ["n", 6, "h"]);
      const parameters = [
        b.initializer("s", float32([3], [0.5, 2, 1])),
        b.initializer("b", float32([3], [0.1, 0, -1])),
      ];
      b.output(b.node("GroupNormalization", ["x", ...parameters], { attributes: { num_groups: 3 } }));
    },
    feeds: { x: values([2, 6, 5]) },
    tolerance: 1e-6,
  },
];

function modelOf({ build, opset }: Case): Model {
  const b = graphBuilder("case");
  build(b);
  return b.model({ opset, ir: 4 });
}

/** Opsets at which some form began. */
const TARGETS = [9, 10, 11, 12, 13, 14, 16, 18, 20, 21];

describe("upgradeOpset keeps what each operator computes", () => {
  for (const one of cases) {
    it(one.name, async () => {
      const model = modelOf(one);
      const before = [...model.graph.nodes];
      const newer = TARGETS.filter((target) => target > one.opset);
      for (const to of new Set([...newer.slice(0, 2), ...newer.filter((target) => target === 13 || target === 21)])) {
        const raised = upgradeOpset(model, to).model;
        expect(raised.opsets.get("")).toBe(to);
        await expectSameResults(model, raised, one.feeds, one.tolerance ?? 1e-6);
      }
      expect(model.graph.nodes).toEqual(before);
    });
  }

  it("in the branches of an If, with the constants inside or captured", async () => {
    const branch = (name: string, max: number) => {
      const b = graphBuilder(name, `${name}_`);
      const cut = b.node("Clip", ["x"], { attributes: { min: float(0), max: float(max) } });
      b.output(b.node("Softmax", [cut], { outputs: [`${name}_y`] }), "float32", [2, 3, 4]);
      return graphAttribute(b.graph());
    };
    const b = graphBuilder();
    b.input("x", "float32", [2, 3, 4]);
    b.input("c", "bool", []);
    b.output(b.node("If", ["c"], { attributes: { then_branch: branch("t", 1), else_branch: branch("e", 2) } }));
    const model = b.model({ opset: 9, ir: 4 });
    const raised = upgradeOpset(model, 21).model;
    for (const c of [0, 1]) {
      const feeds: Feeds = { x: values([2, 3, 4]), c: { dtype: "bool", dims: [], data: Uint8Array.of(c) } };
      await expectSameResults(model, raised, feeds, 1e-6);
    }
  });

  it("in the bodies of local functions, which hold no initializers", async () => {
    const f = graphBuilder("F");
    f.input("a", "float32");
    f.output(
      f.node("Unsqueeze", [f.node("ReduceSum", ["a"], { attributes: { axes: [1] } })], { attributes: { axes: [0] } }),
    );
    const b = graphBuilder();
    b.input("x", "float32", ["n", 4]);
    b.output(b.node("F", ["x"], { domain: "mine" }));
    const functions = [makeFunction("mine", "F", f.graph(), { opset: 12 })];
    const model = b.model({ opset: 12, opsets: { mine: 1 }, functions });
    const raised = upgradeOpset(model, 18).model;
    expect(raised.functions[0]?.opsets.get("")).toBe(18);
    expect(raised.functions[0]?.nodes.some((node) => node.opType === "Constant")).toBe(true);
    await expectSameResults(model, raised, { x: values([3, 4]) });
  });

  it("of every model of the zoo", async () => {
    for (const { name, model, feeds } of zoo()) {
      if (name.startsWith("float16")) continue;
      await expectSameResults(model, upgradeOpset(model, 21).model, feeds, 1e-6);
    }
  });
});

describe("upgradeOpset refuses by name", () => {
  const single = (op: string, opset: number, attributes: Attributes = {}, outputs = 1): Model =>
    modelOf({
      name: "",
      opset,
      build(b) {
        b.input("x", "float32", [2, 3, 4, 5]);
        for (const y of b.nodes(op, ["x"], { name: "culprit", attributes, outputs })) b.output(y);
      },
      feeds: {},
    });

  it("what has no newer form", () => {
    expect(() => upgradeOpset(single("BatchNormalization", 7, { spatial: 0 }), 9)).toThrow(/culprit .*spatial/);
    expect(() => upgradeOpset(single("Scan", 8), 9)).toThrow(/culprit \(Scan\)/);
    expect(() => upgradeOpset(single("Dropout", 9, {}, 2), 10)).toThrow(/mask is used/);
    expect(() => upgradeOpset(single("BatchNormalization", 9, {}, 5), 14)).toThrow(/training mode/);
    expect(() => upgradeOpset(single("Affine", 9), 14)).toThrow(/culprit \(Affine\).*not an operator/);
  });

  it("a bound whose type is not known", () => {
    const model = modelOf({
      name: "",
      opset: 9,
      build(b) {
        b.input("x", "float32", [2]);
        b.input("h", "float16", [2]);
        const unknown = b.node("Mystery", ["x", "h"], { domain: "other" });
        b.output(b.node("Clip", [unknown], { name: "culprit", attributes: { min: float(0) } }));
      },
      feeds: {},
    });
    expect(() => upgradeOpset(model, 11)).toThrow(/culprit .*element type/);
  });

  it("opsets too old, and opsets nobody knows", () => {
    expect(() => upgradeOpset(single("Relu", 6), 13)).toThrow(expect.objectContaining({ code: "opset-too-old" }));
    expect(() => upgradeOpset(single("Relu", 13), 99)).toThrow(expect.objectContaining({ code: "opset-unknown" }));
  });

  it("nothing where nothing is to be done, and leaves other domains alone", () => {
    const model = single("Relu", 21);
    expect(upgradeOpset(model, 13).model).toBe(model);
    const b = graphBuilder();
    b.input("x", "float32", [2]);
    b.output(b.node("Squeeze", ["x"], { domain: "custom", attributes: { axes: ints([0]) } }));
    b.initializer("unused", tensor("uint8", [1], new Uint8Array(1)));
    const custom = b.model({ opset: 11, opsets: { custom: 3 } });
    const raised = upgradeOpset(custom, 21).model;
    expect(raised.graph.nodes).toEqual(custom.graph.nodes);
    expect(raised.opsets.get("custom")).toBe(3);
  });
});
