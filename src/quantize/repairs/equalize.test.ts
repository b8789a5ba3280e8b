// Equalisation keeps what a model computes, whatever the graph; what it may not touch stays.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectSameResults } from "../../../tests/support/same-results.js";
import { services } from "../../../tests/support/services.js";
import { stepContext } from "../../../tests/support/step-context.js";
import { run } from "../../engine/run.js";
import { graphBuilder } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { targets } from "../../targets/index.js";
import { random } from "../../tensor/random.js";
import { float32, int64, type Tensor } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import { quantizeOptions } from "../schema.js";
import { chooseScheme } from "../schemes/index.js";
import { equalize } from "./equalize.js";

const settingsOf = (options: object) =>
  chooseScheme(quantizeOptions.parse({ ...options, repair: ["equalize"] }), targets.get("any")).settings;
/** Rows and columns of weights are made even; or what stands between layers, where rows have scales of their own. */
const ways = { weights: settingsOf({ granularity: "tensor" }), values: settingsOf({ activations: "uint8" }) };

const numbers = (seed: number) => {
  const next = random(seed);
  return (count: number, uneven = 0) =>
    Float32Array.from({ length: count }, (_, i) => (next.next() - 0.5) * 2 ** ((i % 7) * uneven));
};

const equalized = (model: Model, feeds: Feeds, way: keyof typeof ways = "weights") =>
  equalize.apply({ model, original: model, settings: ways[way], context: stepContext([feeds]) });

type Block =
  | "conv"
  | "depthwise"
  | "grouped"
  | "transpose"
  | "branch"
  | "residual"
  | "concat"
  | "pool"
  | "prelu"
  | "add";
const blocks: readonly Block[] = [
  "conv",
  "depthwise",
  "grouped",
  "transpose",
  "branch",
  "residual",
  "concat",
  "pool",
  "prelu",
  "add",
];

/** x [1, 4, 6, 6] through the blocks, then a pool, Flatten and a Gemm. Channels are a multiple of 4. */
function network(list: readonly Block[], seed: number): { model: Model; feeds: Feeds } {
  const b = graphBuilder();
  const draw = numbers(seed);
  let count = 0;
  const weight = (dims: readonly number[], uneven = 1) =>
    b.initializer(
      `w${count++}`,
      float32(
        dims,
        draw(
          dims.reduce((all, size) => all * size, 1),
          uneven,
        ),
      ),
    );
  const conv = (x: string, from: number, to: number, group = 1, op = "Conv") => {
    const dims = op === "Conv" ? [to, from / group, 3, 3] : [from, to / group, 3, 3];
    return b.node(op, [x, weight(dims), weight([to])], { attributes: { group, pads: [1, 1, 1, 1] } });
  };
  let [x, channels] = [b.input("x", "float32", [1, 4, 6, 6]), 4];
  for (const block of list) {
    if (block === "conv") x = b.node("Relu", [conv(x, channels, 8)]);
    if (block === "depthwise") x = b.node("LeakyRelu", [conv(x, channels, channels, channels)]);
    if (block === "grouped") x = conv(x, channels, 8, 2);
    if (block === "transpose") x = conv(x, channels, 8, 2, "ConvTranspose");
    if (block === "branch") x = b.node("Add", [conv(x, channels, 8), b.node("Relu", [conv(x, channels, 8)])]);
    if (block === "residual") x = b.node("Relu", [b.node("Add", [x, conv(x, channels, channels)])]);
    if (block === "concat")
      x = b.node("Concat", [conv(x, channels, 4), conv(x, channels, 4)], { attributes: { axis: 1 } });
    if (block === "pool") {
      x = b.node("MaxPool", [x], { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } });
    }
    if (block === "prelu") x = b.node("PRelu", [x, weight([channels, 1, 1], 0)]);
    if (block === "add") x = b.node("Add", [x, weight([channels, 1, 1])]);
    if (["conv", "grouped", "transpose", "branch", "concat"].includes(block)) channels = 8;
  }
  const flat = b.node("Flatten", [
    b.node("AveragePool", [x], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } }),
  ]);
  const hidden = b.node("Relu", [b.node("Gemm", [flat, weight([channels * 9, 5]), weight([5])])]);
  const last = b.node("MatMul", [hidden, weight([5, 3])]);
  b.output(last, "float32", [1, 3]);
  return { model: b.model(), feeds: { x: { dtype: "float32", dims: [1, 4, 6, 6], data: draw(144) } } };
}

/** How much wider the widest row of a weight is than the narrowest, dead rows left out. */
async function unevenness(tensor: Tensor): Promise<number> {
  const values = new Float32Array((await tensor.data.read()).slice().buffer);
  const size = values.length / tensor.dims[0]!;
  const rows = Array.from({ length: tensor.dims[0]! }, (_, row) =>
    Math.max(...values.subarray(row * size, (row + 1) * size).map(Math.abs)),
  );
  return Math.max(...rows) / Math.min(...rows);
}

test("a network of any blocks computes the same, and some channels are scaled", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...blocks), { minLength: 1, maxLength: 6 }),
      fc.nat(1000),
      fc.constantFrom(...(Object.keys(ways) as (keyof typeof ways)[])),
      async (list, seed, way) => {
        const { model, feeds } = network(list, seed);
        const result = await equalized(model, feeds, way);
        expect(result.notes.map(({ code }) => code)).toContain("equalized");
        expect(result.model).not.toBe(model);
        await expectSameResults(model, result.model, feeds, 1e-5);
      },
    ),
    { numRuns: 15, seed: 7 },
  );
});

test("uneven rows of a depthwise layer become nearly even", async () => {
  const b = graphBuilder();
  const uneven = Float32Array.from({ length: 8 * 9 }, (_, i) => 2 ** -Math.floor(i / 9) * (1 + (i % 9)));
  const even = (count: number) => Float32Array.from({ length: count }, (_, i) => 0.1 + ((i * 7) % 11) / 20);
  const first = b.node("Conv", [
    b.input("x", "float32", [1, 2, 5, 5]),
    b.initializer("first", float32([8, 2, 1, 1], even(16))),
  ]);
  const middle = b.node("Conv", [b.node("Relu", [first]), b.initializer("middle", float32([8, 1, 3, 3], uneven))], {
    attributes: { group: 8 },
  });
  b.output(
    b.node("Conv", [b.node("Relu", [middle]), b.initializer("last", float32([3, 8, 1, 1], even(24)))]),
    "float32",
  );
  const model = b.model();
  const feeds: Feeds = { x: { dtype: "float32", dims: [1, 2, 5, 5], data: even(50) } };
  const result = await equalized(model, feeds);
  const middleOf = ({ graph }: Model) => unevenness(graph.initializers.get("middle") as Tensor);
  expect(await middleOf(model)).toBe(128);
  expect(await middleOf(result.model)).toBeLessThan(16);
  await expectSameResults(model, result.model, feeds, 1e-5);
});

describe("what is between layers stays as it is where", () => {
  const pair = (between: (b: ReturnType<typeof graphBuilder>, value: string) => string, shared = false) => {
    const b = graphBuilder();
    const draw = numbers(3);
    const weight = b.initializer("w1", float32([4, 4, 1, 1], draw(16, 1)));
    const value = b.node("Conv", [b.input("x", "float32", [1, 4, 3, 3]), weight], { outputs: ["value"] });
    const second = shared ? weight : b.initializer("w2", float32([4, 4, 1, 1], draw(16, 1)));
    b.output(b.node("Conv", [between(b, value), second], { outputs: ["y"] }), "float32");
    const feeds: Feeds = { x: { dtype: "float32", dims: [1, 4, 3, 3], data: draw(36) } };
    return { b, feeds };
  };
  const cases: readonly (readonly [string, () => { model: Model; feeds: Feeds }, RegExp])[] = [
    [
      "an operator does not keep a scale",
      () => {
        const { b, feeds } = pair((builder, value) => builder.node("Sigmoid", [value]));
        return { model: b.model(), feeds };
      },
      /Sigmoid/,
    ],
    [
      "a Clip has an upper bound",
      () => {
        const { b, feeds } = pair((builder, value) =>
          builder.node("Clip", [
            value,
            builder.initializer("low", float32([], [0])),
            builder.initializer("high", float32([], [6])),
          ]),
        );
        return { model: b.model(), feeds };
      },
      /Clip/,
    ],
    [
      "it is an output of the model",
      () => {
        const { b, feeds } = pair((_, value) => value);
        b.output("value", "float32");
        return { model: b.model(), feeds };
      },
      /output of the model/,
    ],
    [
      "the weight is used twice",
      () => {
        const { b, feeds } = pair((_, value) => value, true);
        return { model: b.model(), feeds };
      },
      /No channels/,
    ],
    [
      "someone else uses it otherwise",
      () => {
        const { b, feeds } = pair((_, value) => value);
        b.output(b.node("Reshape", [value(), b.initializer("flat", int64([1], [-1]))]), "float32");
        return { model: b.model(), feeds };
      },
      /Reshape/,
    ],
  ];
  const value = () => "value";

  test.each(cases)("%s", async (_, make, why) => {
    const { model, feeds } = make();
    const result = await equalized(model, feeds);
    expect(result.model).toBe(model);
    expect(result.notes.map(({ text }) => text).join("\n")).toMatch(why);
  });
});

test("dead channels and a bias for all channels", async () => {
  const b = graphBuilder();
  const draw = numbers(5);
  const first = draw(16, 1).fill(0, 0, 4);
  const hidden = b.node(
    "Gemm",
    [
      b.input("x", "float32", [2, 4]),
      b.initializer("a", float32([4, 4], first)),
      b.initializer("c", float32([1], [0.3])),
    ],
    {
      attributes: { transB: 1 },
    },
  );
  b.output(
    b.node("Gemm", [b.node("Relu", [hidden]), b.initializer("b", float32([4, 3], draw(12, 1).fill(0, 9)))]),
    "float32",
  );
  const model = b.model();
  const feeds: Feeds = { x: { dtype: "float32", dims: [2, 4], data: draw(8) } };
  const result = await equalized(model, feeds);
  expect(result.model).not.toBe(model);
  await expectSameResults(model, result.model, feeds, 1e-5);
  const [y] = Object.values(await run(result.model, feeds, services));
  expect([...(y!.data as Float32Array)].every(Number.isFinite)).toBe(true);
});
