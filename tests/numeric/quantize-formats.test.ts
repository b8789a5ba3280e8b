// Every number format in every granularity on every operator that holds weights: what ONNX Runtime computes is what the float
// model computes with the weights that the file's own codes stand for, and nothing of the decoding is left once it is loaded.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { openSession } from "../../src/engine/session.js";
import { graphAttribute, int, ints } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { everyGraph, everyNode } from "../../src/ir/traverse.js";
import { assertValid } from "../../src/ir/verify.js";
import { load } from "../../src/load.js";
import { formats } from "../../src/quantize/formats/index.js";
import { settle } from "../../src/quantize/options.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { quantizeOptions } from "../../src/quantize/schema.js";
import { fromFloat16, toFloat16 } from "../../src/tensor/float16.js";
import { float32, tensor } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { decodedWeights } from "../support/decoded.js";
import { value, weight } from "../support/quantize-cases.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-formats-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One of each operator, odd sizes among them, an output each. */
function everything(opset: number): { readonly model: Model; readonly feeds: Feeds } {
  const b = graphBuilder();
  const feeds: Record<string, Feeds[string]> = {};
  const input = (...dims: number[]) => {
    const name = `x${Object.keys(feeds).length}`;
    feeds[name] = value(...dims);
    return b.input(name, "float32", dims);
  };
  let count = 0;
  const w = (...dims: number[]) => b.initializer(`w${count++}`, weight(...dims));
  b.output(b.node("MatMul", [input(3, 80), w(80, 48)]));
  b.output(b.node("MatMul", [input(3, 37), w(37, 29)]));
  b.output(b.node("MatMul", [input(2, 3, 48), w(2, 48, 20)]));
  // More than 256 blocks of 16, the last one short.
  b.output(b.node("MatMul", [input(1, 4100), w(4100, 3)]));
  b.output(
    b.node("Gemm", [input(2, 77), w(31, 77), b.initializer("bias", weight(31))], { attributes: { transB: int(1) } }),
  );
  b.output(b.node("Conv", [input(1, 16, 5, 5), w(24, 8, 3, 3)], { attributes: { group: int(2) } }));
  b.output(b.node("Conv", [input(1, 30, 3, 3), w(20, 30, 1, 1)]));
  b.output(b.node("Conv", [input(1, 40, 5, 5), w(40, 1, 3, 3)], { attributes: { group: int(40) } }));
  b.output(b.node("Conv", [input(1, 12, 9), w(10, 12, 5)]));
  b.output(b.node("ConvTranspose", [input(1, 16, 5, 5), w(16, 12, 3, 3)]));
  b.output(b.node("ConvTranspose", [input(1, 32, 5, 5), w(32, 20, 1, 1)]));
  const rows = { dtype: "int64", dims: [3], data: BigInt64Array.from([0n, 32n, 7n]) } as const;
  feeds.i = rows;
  b.input("i", "int64", [3]);
  b.output(b.node("Gather", [w(33, 21), "i"]));
  const tied = w(90, 64);
  const found = b.node("Gather", [tied, "i"]);
  b.output(b.node("MatMul", [found, b.node("Transpose", [tied], { attributes: { perm: ints([1, 0]) } })]));
  const both = { hidden_size: int(16), direction: "bidirectional" };
  b.output(b.node("LSTM", [input(2, 1, 24), w(2, 64, 24), w(2, 64, 16)], { attributes: both }));
  b.output(b.node("GRU", [input(2, 1, 19), w(1, 45, 19), w(1, 45, 15)], { attributes: { hidden_size: int(15) } }));
  b.output(b.node("RNN", [input(2, 1, 34), w(1, 18, 34), w(1, 18, 18)], { attributes: { hidden_size: int(18) } }));
  const outer = w(40, 33);
  const x = input(3, 40);
  const branch = (name: string) => {
    const inner = graphBuilder(name, `${name}_`);
    inner.initializer(`${name}_w`, weight(40, 33));
    const sum = inner.node("Add", [inner.node("MatMul", [x, `${name}_w`]), inner.node("MatMul", [x, outer])]);
    inner.output(sum, "float32", [3, 33]);
    return graphAttribute(inner.graph());
  };
  feeds.flag = { dtype: "bool", dims: [], data: Uint8Array.of(1) };
  b.input("flag", "bool", []);
  b.output(b.node("If", ["flag"], { attributes: { then_branch: branch("yes"), else_branch: branch("no") } }));
  return { model: b.model({ opset }), feeds };
}

/** The operators that are left once ONNX Runtime has optimised the graph. */
async function loaded(model: Model): Promise<string[]> {
  const optimizedPath = join(folder, "optimized.onnx");
  const session = await openSession(model, services, { optimizedPath });
  await session.release();
  return [...everyNode(await load(new Uint8Array(readFileSync(optimizedPath))))].map((node) => node.opType).sort();
}

/** One of each kind and packing is tried with one scale for all and for channels too. */
const PARTS = ["float8e4m3fn", "float6e2m3", "int8", "uint8", "int5", "uint4", "int3", "ternary", "binary"];

const allowed = formats.list.flatMap((format) => {
  const one = { weights: format.name };
  if (format.scaling === "none" && format.kind === "float")
    return format.computes ? [{ ...one, compute: "stored" }] : [one];
  if (format.fixed) return [one];
  if (format.kind === "learned") {
    const learned = [6, 16, 20, 200].map((entries) => ({ ...one, entries }));
    return [
      ...learned,
      { ...one, granularity: "channel", group: 4 },
      { ...one, granularity: "channel", group: 4, entries: 32 },
    ];
  }
  const granularities = format.bits === 16 || PARTS.includes(format.name) ? ["tensor", "channel"] : [];
  if (format.bits < 16) granularities.push("block");
  return granularities.map((granularity) => ({ ...one, granularity, ...(granularity === "block" && { block: 16 }) }));
});

const choices: readonly { readonly opset: number; readonly [option: string]: unknown }[] = [
  ...allowed.map((options) => ({ opset: 21, ...options })),
  ...["int4", "ternary", "float8e4m3fn"].map((weights) => ({ opset: 9, weights })),
  { opset: 17, weights: "int3", granularity: "block", symmetric: false },
  { opset: 17, weights: "uint5", granularity: "channel", symmetric: true, range: "percentile", percentile: 99 },
  { opset: 17, weights: "int8", granularity: "channel", range: "mse", rangeSteps: 8 },
  { opset: 17, weights: "int4", rounding: "stochastic", seed: 3, scales: "float16" },
  { opset: 17, weights: "int4", scales: "float32", block: 64 },
];

describe("weights decoded at load are those that the codes stand for", () => {
  const given = new Map([9, 17, 21].map((opset) => [opset, everything(opset)]));
  it.each(choices)("$weights $granularity, opset $opset", async ({ opset, ...stated }) => {
    const { model, feeds } = given.get(opset)!;
    const options = quantizeStep.options.parse({
      minimum: 16,
      form: "form" in stated ? stated.form : undefined,
      ...stated,
    });
    const made = await quantizeStep.apply(model, options, stepContext([feeds]));
    assertValid(made.model);
    const settings = settle(quantizeOptions.parse({ minimum: 16, ...stated }));
    const reference = await decodedWeights(model, made.model, settings);
    expect(reference.replaced).toBeGreaterThan(12);
    const expected = await run(reference.model, feeds, services);
    const found = await run(made.model, feeds, services);
    for (const [name, { data }] of Object.entries(expected)) {
      const [a, b] = [data as Float32Array, found[name]!.data as Float32Array];
      const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(largest).toBeGreaterThan(0);
      for (const [at, x] of a.entries()) {
        if (Math.abs(x - b[at]!) > 1e-6 * largest) expect.fail(`${name}[${at}] is ${b[at]}, not ${x}`);
      }
    }
    expect(await loaded(made.model)).toEqual(await loaded(model));
    expect([...everyGraph(made.model)].length).toBe(3);
  });
});

it.each(["int3", "nf4", "mxfp4", "codebook", "float8e4m3fn", "uint8"])("float16 weights: %s", async (weights) => {
  const b = graphBuilder();
  const feeds = { x: value(3, 40) };
  b.input("x", "float32", [3, 40]);
  const values = weight(40, 32);
  const halves = toFloat16(new Float32Array((await values.data.read()).slice().buffer));
  b.initializer("w", tensor("float16", [40, 32], halves));
  const float = b.node("Cast", ["w"], { attributes: { to: int(1) } });
  b.output(b.node("MatMul", ["x", float]));
  const model = b.model({ opset: 17 });
  const made = await quantizeStep.apply(model, quantizeStep.options.parse({ weights }), stepContext([feeds]));
  assertValid(made.model);
  expect(made.model.graph.initializers.has("w")).toBe(false);
  const settings = settle(quantizeOptions.parse({ weights }));
  const reference = await decodedWeights(model, made.model, settings);
  expect(reference.replaced).toBe(1);
  const rounded = fromFloat16(toFloat16(new Float32Array((await reference.of("w").data.read()).slice().buffer)));
  const [expected] = Object.values(await run(withWeight(rounded), feeds, services));
  const [found] = Object.values(await run(made.model, feeds, services));
  expect(found!.data).toEqual(expected!.data);
  expect(await loaded(made.model)).toEqual(["MatMul"]);

  function withWeight(decoded: Float32Array): Model {
    const plain = graphBuilder();
    plain.input("x", "float32", [3, 40]);
    plain.initializer("w", float32([40, 32], decoded));
    plain.output(plain.node("MatMul", ["x", "w"]));
    return plain.model({ opset: 17 });
  }
});
