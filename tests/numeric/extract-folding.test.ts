// Self-extracting weights of every number format, under every operator that holds weights: ONNX Runtime has decoded them
// all once it has loaded the model, on the CPU (the optimised graph) and on WASM (the profile of what ran).

import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import type { Model } from "../../src/ir/model.js";
import { everyNode } from "../../src/ir/traverse.js";
import { assertValid } from "../../src/ir/verify.js";
import { formats, isPlain } from "../../src/quantize/formats/index.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { elementCount } from "../../src/tensor/dtype.js";
import { everyOperator, feeds, sparseWeights } from "../support/every-operator.js";
import { cpuOperators, type WasmRun, wasmRun } from "../support/loaded-operators.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

const sparse = everyOperator(sparseWeights(0.9));
const dense = everyOperator();

/** Each format as it is by default, and the other things that share a scale, where they decode by another graph. */
const asked: readonly (readonly [string, object])[] = [
  ...formats.list.map((format): readonly [string, object] => [
    format.name,
    format.name === "float16" ? { compute: "stored" } : isPlain(format) ? {} : { form: "extract" },
  ]),
  ...(["tensor", "channel"] as const).flatMap((granularity) =>
    ["int3", "uint4", "nf4", "ternary", "float8e4m3fn"].map((format): readonly [string, object] => [
      format,
      { form: "extract", granularity },
    ]),
  ),
  ["uint8", { form: "extract", granularity: "block", block: 16 }],
  ["uint16", { form: "extract", granularity: "tensor" }],
  ["int5", { form: "extract", scales: "float32", block: 64 }],
  ["uint2", { form: "extract", scales: "float16", symmetric: true }],
  ["codebook", { form: "extract", granularity: "channel", entries: 6, group: 4 }],
  ["codebook", { form: "extract", granularity: "tensor", entries: 256 }],
];

/** Nine of ten are zero: one bit a weight and the others packed, found by counting. */
const asAsked: readonly (readonly [string, object])[] = [
  ["float32", { sparse: "bitmask" }],
  ["int8", { form: "extract", sparse: "bitmask" }],
  ["int4", { form: "extract", sparse: "bitmask" }],
  ["nf4", { form: "extract", sparse: "bitmask" }],
  ["codebook", { form: "extract", sparse: "bitmask" }],
];

async function folded(model: Model, weights: string, options: object) {
  const parsed = quantizeStep.options.parse({ weights, minimum: 16, ...options });
  const { model: made } = await quantizeStep.apply(model, parsed, stepContext([feeds]));
  assertValid(made);
  return made;
}

describe("what is decoded at load", () => {
  let float: { readonly cpu: readonly string[]; readonly wasm: WasmRun };
  beforeAll(async () => {
    float = { cpu: await cpuOperators(dense), wasm: await wasmRun(dense, feeds) };
    expect(float.wasm.operators).toContain("ConvTranspose");
  });

  it("is told from what is not: a graph that decodes at each run has other operators", async () => {
    const native = await folded(dense, "int8", { form: "dequantize" });
    expect(await cpuOperators(native)).not.toEqual(float.cpu);
    expect((await wasmRun(native, feeds)).operators).not.toEqual(float.wasm.operators);
  });

  it.each(asked)("%s %j", async (weights, options) => {
    const made = await folded(dense, weights, options);
    // Every weight was taken: the file holds none of them as float32.
    const kept = [...made.graph.initializers].filter(
      ([name, { dtype, dims }]) =>
        dense.graph.initializers.has(name) && dtype === "float32" && elementCount(dims) > 300,
    );
    expect(kept.map(([name]) => name)).toEqual([]);
    await proved(made);
  });

  it.each(asAsked)("of mostly zeros: %s %j", async (weights, options) => {
    const made = await folded(sparse, weights, options);
    const counting = [...everyNode(made)].filter(({ opType }) => opType === "CumSum");
    expect(counting.length).toBeGreaterThan(8);
    await proved(made);
  });

  async function proved(made: Model): Promise<void> {
    expect(await cpuOperators(made)).toEqual(float.cpu);
    const wasm = await wasmRun(made, feeds);
    expect(wasm.operators).toEqual(float.wasm.operators);
    const cpu = await run(made, feeds, services);
    for (const [name, { data }] of Object.entries(cpu)) {
      const [a, b] = [data as Float32Array, wasm.outputs[name]!];
      expect(
        a.some((x) => x !== 0),
        name,
      ).toBe(true);
      const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(Math.max(...a.map((x, at) => Math.abs(x - b[at]!))), name).toBeLessThan(1e-5 * largest);
    }
  }
});
