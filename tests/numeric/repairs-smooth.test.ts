// SmoothQuant and AWQ: what the model computes stays, what is quantized after them is less off, and every group that is left
// alone says why.

import { describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import type { GraphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { load } from "../../src/load.js";
import { toBytes } from "../../src/onnx/encode.js";
import { settle } from "../../src/quantize/options.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { repairs } from "../../src/quantize/repairs/index.js";
import { quantizeOptions } from "../../src/quantize/schema.js";
import { float32 } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { portfolioModels } from "../support/portfolio.js";
import { keyOf } from "../support/portfolio-data.js";
import { model, value, weight } from "../support/proved.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";
import { encoderBlock, gains, llamaBlock, matrix, WIDTH } from "../support/transformer-blocks.js";

const DYNAMIC = { weights: "int8", activations: "dynamic" } as const;
type Options = Parameters<typeof quantizeOptions.parse>[0] & object;

const repaired = (name: string, given: Model, feeds: readonly Feeds[], options: Options) =>
  repairs.get(name).apply({
    model: given,
    original: given,
    settings: settle(quantizeOptions.parse({ minimum: 0, repair: [name], ...options })),
    context: stepContext(feeds),
  });

const samples = (n = 3): Feeds[] => Array.from({ length: n }, (_, at) => ({ x: value([1, 6 + at, WIDTH], 100 + at) }));

/** Root of the summed squares of the differences, over that of the wanted values. */
function distance(wanted: Record<string, Value>, found: Record<string, Value>): number {
  let [error, size] = [0, 0];
  for (const [name, { data }] of Object.entries(wanted)) {
    const other = found[name]!.data as Float32Array;
    for (const [at, one] of (data as Float32Array).entries()) {
      error += (one - other[at]!) ** 2;
      size += one ** 2;
    }
  }
  return Math.sqrt(error / size);
}

const numbers = async (given: Model, name: string) => {
  const constant = given.graph.initializers.get(name);
  if (constant === undefined || constant.sparse) throw new Error(`no constant ${name}`);
  return new Float32Array((await constant.data.read()).slice().buffer);
};

/** Without the one that says that the data are made up, as they are here. */
const codes = (notes: readonly { readonly code: string }[]) =>
  notes.map(({ code }) => code).filter((code) => !code.endsWith("-synthetic"));

describe("rescaling keeps what a model computes", () => {
  const blocks: readonly (readonly [string, (b: GraphBuilder) => void, number])[] = [
    ["attention and MLP with LayerNormalization", (b) => encoderBlock(b, { outlier: 40 }), 4],
    ["grouped heads by Gather, RMS norm, gated MLP", (b) => llamaBlock(b, "Gather", { outlier: 40 }), 4],
    ["grouped heads by Expand", (b) => llamaBlock(b, "Expand", { outlier: 40 }), 4],
  ];
  for (const [name, fill, groups] of blocks) {
    it(name, async () => {
      const given = model(fill, { opset: 17 });
      const feeds = samples();
      for (const [repair, alpha] of [
        ["smooth", 0.6],
        ["awq", 1],
      ] as const) {
        const options = repair === "smooth" ? { ...DYNAMIC, alpha } : { weights: "int4", alpha };
        const result = await repaired(repair, given, feeds, options);
        expect(codes(result.notes)).toEqual(Array(groups).fill(`${repair}-scaled`));
        expect(result.model.graph.nodes.map(({ opType }) => opType)).toEqual(given.graph.nodes.map((n) => n.opType));
        for (const one of [...feeds, { x: value([1, 11, WIDTH], 7) }]) {
          const apart = distance(await run(given, one, services), await run(result.model, one, services));
          expect(apart).toBeLessThan(1e-5);
        }
        // Something did change: the rows of q, and by v's columns what o takes.
        expect(await numbers(result.model, "q.weight")).not.toEqual(await numbers(given, "q.weight"));
        expect(await numbers(result.model, "o.weight")).not.toEqual(await numbers(given, "o.weight"));
      }
    });
  }

  it("through pools, norms of images, and 1x1 convolutions", async () => {
    const given = model(
      (b) => {
        b.input("x", "float32", [1, 3, 8, 8]);
        const first = b.node("Conv", [
          "x",
          b.initializer("w1", weight([8, 3, 3, 3], 1)),
          b.initializer("b1", weight([8], 2)),
        ]);
        const parameters = ["g", "b", "m"].map((name, at) => b.initializer(name, weight([8], 3 + at)));
        const variance = b.initializer("v", float32([8], [1, 2, 3, 4, 5, 6, 7, 8]));
        const norm = b.node("BatchNormalization", [first, ...parameters, variance]);
        const pooled = b.node("MaxPool", [b.node("LeakyRelu", [norm])], { attributes: { kernel_shape: [2, 2] } });
        b.output(b.node("Conv", [pooled, b.initializer("w2", weight([5, 8, 1, 1], 9))], { outputs: ["y"] }), "float32");
      },
      { opset: 17 },
    );
    const feeds = { x: value([1, 3, 8, 8], 5) };
    const result = await repaired("smooth", given, [feeds], { ...DYNAMIC, alpha: 0.5 });
    expect(result.notes.map(({ code }) => code)).toEqual(["smooth-synthetic", "smooth-scaled"]);
    expect(distance(await run(given, feeds, services), await run(result.model, feeds, services))).toBeLessThan(1e-5);
  });

  for (const path of portfolioModels().filter((one) => ["agnews-transformer", "stories260k"].includes(keyOf(one)))) {
    it(`of the portfolio: ${keyOf(path)}`, async () => {
      const given = await load(path);
      const ids = (n: number, seed: number): Value => ({
        dtype: "int64",
        dims: [1, n],
        data: BigInt64Array.from({ length: n }, (_, at) => BigInt(1 + ((at * 37 + seed) % 500))),
      });
      const feedsOf = (n: number, seed: number): Feeds => {
        const mask: Value = { dtype: "int64", dims: [1, n], data: new BigInt64Array(n).fill(1n) };
        const masked = given.graph.inputs.some((input) => input.name === "attention_mask");
        return { input_ids: ids(n, seed), ...(masked && { attention_mask: mask }) };
      };
      const result = await repaired("smooth", given, [feedsOf(20, 1), feedsOf(33, 2)], { ...DYNAMIC, alpha: 0.5 });
      // Three layers of q, k, v; o; and one product of the MLP. Five layers with both, and the head.
      const scaled = result.notes.filter(({ code }) => code === "smooth-scaled");
      expect(scaled).toHaveLength(keyOf(path) === "stories260k" ? 21 : 9);
      const feeds = feedsOf(27, 3);
      expect(distance(await run(given, feeds, services), await run(result.model, feeds, services))).toBeLessThan(1e-5);
    });
  }
});

describe("what is quantized afterwards is less off", () => {
  async function errorOf(given: Model, options: Options): Promise<number> {
    const feeds = samples(6);
    const made = await quantizeStep.apply(given, quantizeOptions.parse({ minimum: 0, ...options }), stepContext(feeds));
    const test = { x: value([1, 20, WIDTH], 77) };
    return distance(await run(given, test, services), await run(made.model, test, services));
  }

  it("smooth: a channel far larger than the others no longer costs all of them their codes", async () => {
    const given = model((b) => encoderBlock(b, { outlier: 60 }), { opset: 17 });
    const before = await errorOf(given, { ...DYNAMIC, repair: ["none"] });
    const after = await errorOf(given, { ...DYNAMIC, repair: ["smooth"] });
    expect(after).toBeLessThan(before / 3);
  });

  it("awq: weights that meet large inputs keep their digits", async () => {
    const given = model(
      (b) => {
        b.input("x", "float32", [1, "n", WIDTH]);
        const h = b.node("Mul", ["x", b.initializer("g", gains(2, 20))]);
        b.output(b.node("MatMul", [h, b.initializer("w", matrix(WIDTH, 24, 3))], { outputs: ["y"] }), "float32");
      },
      { opset: 17 },
    );
    const before = await errorOf(given, { weights: "int4", repair: ["none"] });
    const after = await errorOf(given, { weights: "int4", repair: ["awq"] });
    expect(after).toBeLessThan(before / 2);
  });

  it("the same data give the same bytes", async () => {
    const given = model((b) => encoderBlock(b, { outlier: 10 }), { opset: 17 });
    const bytes = async () => toBytes((await repaired("smooth", given, samples(), DYNAMIC)).model);
    expect(await bytes()).toEqual(await bytes());
  });
});

describe("alpha", () => {
  const given = model(
    (b) => {
      b.input("x", "float32", [1, "n", WIDTH]);
      const h = b.node("Mul", ["x", b.initializer("g", weight([WIDTH], 2))], { outputs: ["h"] });
      b.output(b.node("MatMul", [h, b.initializer("w", matrix(WIDTH, 8, 3))], { outputs: ["y"] }), "float32");
      b.output("h", "float32");
    },
    { opset: 17 },
  );
  const inner: Model = { ...given, graph: { ...given.graph, outputs: given.graph.outputs.slice(0, 1) } };
  const evenness = (sizes: readonly number[]) => Math.max(...sizes) / Math.min(...sizes);
  const largest = (values: Float32Array, channel: (at: number) => number) => {
    const most = Array<number>(WIDTH).fill(0);
    for (const [at, one] of values.entries()) most[channel(at)] = Math.max(most[channel(at)]!, Math.abs(one));
    return most;
  };

  it("0 evens out the weights, 1 the activations", async () => {
    const [feeds] = samples(1) as [Feeds];
    for (const alpha of [0, 1]) {
      const { model: made } = await repaired("smooth", inner, [feeds], { ...DYNAMIC, alpha });
      const rows = largest(await numbers(made, "w"), (at) => Math.floor(at / 8));
      const { h } = await run({ ...made, graph: { ...made.graph, outputs: given.graph.outputs } }, feeds, services);
      const channels = largest(h!.data as Float32Array, (at) => at % WIDTH);
      expect(evenness(alpha === 0 ? rows : channels)).toBeCloseTo(1, 4);
      expect(evenness(alpha === 0 ? channels : rows)).toBeGreaterThan(2);
    }
  });

  it("is refused where nothing reads it, and repairs where they could do nothing", async () => {
    const apply = (options: Options) =>
      quantizeStep.apply(inner, quantizeOptions.parse({ minimum: 0, ...options }), stepContext(samples(1)));
    await expect(apply({ weights: "int8", alpha: 0.5 })).rejects.toMatchObject({ code: "quantize-options" });
    await expect(apply({ weights: "int4", repair: ["smooth"] })).rejects.toThrow(/activations stay float/);
    await expect(apply({ ...DYNAMIC, repair: ["awq"] })).rejects.toThrow(/smooth/);
    await expect(apply({ weights: "float16", repair: ["awq"] })).rejects.toMatchObject({ code: "quantize-options" });
  });
});

describe("a group is left alone, with the reason", () => {
  const cases: readonly (readonly [string, (b: GraphBuilder) => void, RegExp])[] = [
    [
      "its value is an input of the model",
      (b) => b.output(b.node("MatMul", ["x", b.initializer("w", matrix(WIDTH, 8, 1))]), "float32"),
      /"x" is an input of the model/,
    ],
    [
      "something else uses its value",
      (b) => {
        const h = b.node("Mul", ["x", b.initializer("g", weight([WIDTH]))], { outputs: ["h"] });
        b.output(b.node("MatMul", [h, b.initializer("w", matrix(WIDTH, 8, 1))]), "float32");
        b.output(b.node("Tanh", [h], { name: "other" }), "float32");
      },
      /other \(Tanh\) uses "h" too/,
    ],
    [
      "its value is an output",
      (b) => {
        const h = b.output(b.node("Mul", ["x", b.initializer("g", weight([WIDTH]))], { outputs: ["h"] }), "float32");
        b.output(b.node("MatMul", [h, b.initializer("w", matrix(WIDTH, 8, 1))]), "float32");
      },
      /"h" is an output of the model/,
    ],
    [
      "no factor passes a curve",
      (b) => {
        const h = b.node("Sigmoid", [b.node("Mul", ["x", b.initializer("g", weight([WIDTH]))])], { name: "curve" });
        b.output(b.node("MatMul", [h, b.initializer("w", matrix(WIDTH, 8, 1))]), "float32");
      },
      /curve \(Sigmoid\) lets no factor through/,
    ],
    [
      "its weight serves another product too",
      (b) => {
        b.initializer("w", matrix(WIDTH, WIDTH, 1));
        const h = b.node("Mul", ["x", b.initializer("g", weight([WIDTH]))]);
        b.output(b.node("MatMul", [h, "w"]), "float32");
        b.output(b.node("MatMul", [b.node("Tanh", ["x"]), "w"], { name: "tied" }), "float32");
      },
      /serves tied too/,
    ],
    [
      "a square would be divided twice",
      (b) => {
        const h = b.node("Mul", ["x", b.initializer("g", weight([WIDTH]))], { outputs: ["h"] });
        const square = b.node("Mul", [h, h], { name: "square" });
        b.output(b.node("MatMul", [square, b.initializer("w", matrix(WIDTH, 8, 1))]), "float32");
      },
      /square uses "h" twice/,
    ],
  ];
  for (const [name, fill, reason] of cases) {
    it(name, async () => {
      const given = model(
        (b) => {
          b.input("x", "float32", [1, "n", WIDTH]);
          fill(b);
        },
        { opset: 17 },
      );
      const result = await repaired("smooth", given, samples(1), { ...DYNAMIC, alpha: 0.5 });
      expect(result.model).toBe(given);
      expect(result.notes.some(({ code, text }) => code === "smooth-refused" && reason.test(text))).toBe(true);
    });
  }

  it("but without data nothing can be found", async () => {
    const given = model((b) => encoderBlock(b), { opset: 17 });
    await expect(repaired("smooth", given, [], DYNAMIC)).rejects.toMatchObject({ code: "calibration-empty" });
  });
});
