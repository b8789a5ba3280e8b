// Every operator that training promises a gradient for is proved: walks the list by name, and the rules that exist.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { float32 } from "../../src/tensor/tensor.js";
import { backward } from "../../src/train/backward.js";
import { Emitter } from "../../src/train/emitter.js";
import { gradients, stopsGradient } from "../../src/train/gradients/index.js";
import type { GradientCase, OperatorCases } from "../support/gradients.js";
import { root } from "../support/root.js";

/**
 * What is promised, each with the attributes that a case must state, and state otherwise than this default. "required": any
 * value counts.
 */
const reduction = { keepdims: 1, noop_with_empty_axes: 0 };
const window = { auto_pad: "NOTSET", dilations: 1, group: 1, pads: 0, strides: 1 };
const pool = { auto_pad: "NOTSET", ceil_mode: 0, dilations: 1, kernel_shape: "required", pads: 0, strides: 1 };
const promised: Readonly<Record<string, Readonly<Record<string, number | string>>>> = {
  Conv: window,
  ConvTranspose: { ...window, output_padding: 0, output_shape: "required" },
  Gemm: { alpha: 1, beta: 1, transA: 0, transB: 0 },
  MatMul: {},
  Einsum: { equation: "required" },
  Add: {},
  Sub: {},
  Mul: {},
  Div: {},
  Neg: {},
  Abs: {},
  Pow: {},
  Sqrt: {},
  Reciprocal: {},
  Exp: {},
  Log: {},
  Erf: {},
  Sin: {},
  Cos: {},
  Tanh: {},
  Sigmoid: {},
  Softplus: {},
  Relu: {},
  LeakyRelu: { alpha: 0.01 },
  PRelu: {},
  Elu: { alpha: 1 },
  Selu: { alpha: 1.67326, gamma: 1.0507 },
  Celu: { alpha: 1 },
  Gelu: { approximate: "none" },
  "com.microsoft:Gelu": {},
  "com.microsoft:BiasGelu": {},
  "com.microsoft:FastGelu": {},
  "com.microsoft:QuickGelu": { alpha: 1.702 },
  Mish: {},
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  HardSwish: {},
  Swish: { alpha: 1 },
  Clip: {},
  Min: {},
  Max: {},
  Where: {},
  Softmax: { axis: -1 },
  LogSoftmax: { axis: -1 },
  BatchNormalization: { epsilon: 1e-5, momentum: 0.9, training_mode: 0 },
  LayerNormalization: { axis: -1, epsilon: 1e-5 },
  RMSNormalization: { axis: -1, epsilon: 1e-5 },
  "com.microsoft:SkipLayerNormalization": { epsilon: 1e-12 },
  InstanceNormalization: { epsilon: 1e-5 },
  GroupNormalization: { epsilon: 1e-5, num_groups: "required" },
  LRN: { alpha: 0.0001, beta: 0.75, bias: 1, size: "required" },
  MaxPool: { ...pool, storage_order: 0 },
  AveragePool: { ...pool, count_include_pad: 0 },
  GlobalAveragePool: {},
  GlobalMaxPool: {},
  LpPool: { ...pool, p: 2 },
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSumExp: reduction,
  ReduceProd: reduction,
  ReduceSumSquare: reduction,
  Reshape: { allowzero: 0 },
  Flatten: { axis: 1 },
  Squeeze: {},
  Unsqueeze: {},
  Transpose: { perm: "required" },
  Concat: { axis: "required" },
  Split: { axis: 0, num_outputs: "required" },
  Slice: {},
  Pad: { mode: "constant" },
  Expand: {},
  Tile: {},
  Gather: { axis: 0 },
  GatherElements: { axis: 0 },
  GatherND: { batch_dims: 0 },
  ScatterND: { reduction: "none" },
  ScatterElements: { axis: 0, reduction: "none" },
  Cast: { to: "required" },
  Identity: {},
  Dropout: {},
  // Upsample is a Resize once the opset is one that rules are written for.
  Resize: { mode: "nearest", coordinate_transformation_mode: "half_pixel", nearest_mode: "round_prefer_floor" },
  DepthToSpace: { blocksize: "required", mode: "DCR" },
  SpaceToDepth: { blocksize: "required" },
  CumSum: { exclusive: 0, reverse: 0 },
  // Layout 1 is written as layout 0 before gradients are asked for: src/train/prepare/time-first.test.ts.
  LSTM: { direction: "forward", hidden_size: "required" },
  GRU: { direction: "forward", hidden_size: "required", linear_before_reset: 0 },
  RNN: { direction: "forward", hidden_size: "required" },
  Attention: { is_causal: 0, scale: "required" },
  "com.microsoft:Attention": { num_heads: "required" },
  "com.microsoft:MultiHeadAttention": { num_heads: "required" },
  RotaryEmbedding: { interleaved: 0 },
  "com.microsoft:RotaryEmbedding": { interleaved: 0 },
  QuantizeLinear: { axis: 1 },
  DequantizeLinear: { axis: 1 },
  Trilu: { upper: 1 },
};

/** Operators with points where the derivative is chosen: a case states it. */
const kinked =
  `Relu LeakyRelu PRelu Elu Selu Celu HardSigmoid HardSwish Clip Abs Min Max ReduceMax ReduceMin ReduceL1 ReduceL2
  ReduceProd MaxPool GlobalMaxPool Pow`.split(/\s+/);

const folder = join(root, "tests/numeric/gradients");
const modules = readdirSync(join(folder, "cases")).filter((file) => file.endsWith(".ts"));
const proved = new Map<string, GradientCase[]>();
for (const file of modules) {
  const { cases } = (await import(join(folder, "cases", file))) as { cases: readonly OperatorCases[] };
  for (const { operator, cases: own } of cases) proved.set(operator, [...(proved.get(operator) ?? []), ...own]);
}
const casesOf = (operator: string) => proved.get(operator) ?? [];

describe("each list of cases", () => {
  test.each(modules)("%s is run", (file) => {
    const runner = join(folder, file.replace(/\.ts$/, ".test.ts"));
    expect(existsSync(runner), `${basename(runner)} runs it`).toBe(true);
    expect(readFileSync(runner, "utf8")).toContain(`from "./cases/${file.replace(/\.ts$/, ".js")}"`);
  });
});

describe.each(Object.entries(promised))("%s", (operator, attributes) => {
  const cases = casesOf(operator);

  test("has a gradient test", () => {
    expect(cases.length).toBeGreaterThan(0);
  });

  test("has a rule, or is lowered to operators that have", () => {
    const ruled = gradients.list.some(({ operators }) => operators.includes(operator));
    expect(ruled || cases.every(({ lower }) => lower !== undefined)).toBe(true);
  });

  test("is tried with a broadcast or an odd size", () => {
    expect(
      cases.some((one) => broadcasts(one) || dimsOf(one).some((dims) => dims.some((size) => size > 1 && size % 2))),
    ).toBe(true);
  });

  test("is tried with each attribute", () => {
    const untried = Object.entries(attributes).filter(([name, usual]) => {
      const stated = cases.flatMap((one) => (one.attributes?.[name] === undefined ? [] : [one.attributes[name]]));
      return !stated.some((value) => usual === "required" || !isUsual(value, usual));
    });
    expect(untried.map(([name]) => name)).toEqual([]);
  });

  if (!kinked.includes(operator)) return;
  test("states what it chooses at a kink", () => {
    expect(cases.some(({ kinks }) => kinks !== undefined && kinks.length > 0)).toBe(true);
  });
});

test("every rule there is has a gradient test", () => {
  const unproved = gradients.list.flatMap(({ operators }) =>
    operators.filter((operator) => casesOf(operator).length === 0),
  );
  expect(unproved).toEqual([]);
});

describe("stops", () => {
  const dims = [4];
  const source = {
    shape: (name: string) => (name === "x" ? { dtype: "float32" as const, dims } : undefined),
    has: (name: string) => name === "x",
  };

  test("a comparison and ArgMax let nothing through, and need no rule", () => {
    for (const opType of [
      "ArgMax",
      "ArgMin",
      "Equal",
      "Less",
      "Greater",
      "GreaterOrEqual",
      "LessOrEqual",
      "Not",
      "Sign",
      "Floor",
    ]) {
      expect(stopsGradient({ opType, domain: "" } as never), opType).toBe(true);
    }
    const emit = new Emitter(source);
    const best = emit.op("ArgMax", ["x"], { dims: [1], dtype: "int64", attributes: { axis: 0 } });
    const mask = emit.cast(emit.greater("x", emit.number(0)), "float32");
    const loss = emit.total(emit.add(mask, emit.cast(best, "float32")));
    const forward = [...emit.nodes];
    expect(backward({ nodes: forward, loss, targets: ["x"] }, emit)).toEqual(new Map());
    expect(emit.nodes.length).toBe(forward.length);
  });

  test("what stands beside a stop still gets its gradient", () => {
    const emit = new Emitter(source);
    const mask = emit.cast(emit.greater("x", emit.number(0)), "float32");
    const weight = emit.store("w", float32(dims, [1, 2, 3, 4]));
    const loss = emit.total(emit.mul(emit.mul("x", mask), weight));
    const found = backward({ nodes: [...emit.nodes], loss, targets: ["x"] }, emit);
    expect([...found.keys()]).toEqual(["x"]);
  });
});

const dimsOf = (one: GradientCase) => Object.values(one.inputs).map((input) => ("dims" in input ? input.dims : input));

/** Two inputs of different dimensions. */
const broadcasts = (one: GradientCase) => new Set(dimsOf(one).map((dims) => dims.join())).size > 1;

/** Whether a stated value is the default, for lists: in every element. */
function isUsual(value: unknown, usual: number | string): boolean {
  const plain = typeof value === "object" && value !== null && "value" in value ? value.value : value;
  if (plain instanceof Uint8Array) return new TextDecoder().decode(plain) === usual;
  if (Array.isArray(plain)) return plain.every((element) => Number(element) === usual);
  return typeof usual === "number" ? Number(plain) === usual : plain === usual;
}
