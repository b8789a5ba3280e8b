// Sparse storage: what is decoded at load is, bit for bit, what the dense weights were (float32) or are in the same format, and
// ONNX Runtime leaves no node that decodes.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { assertValid } from "../../src/ir/verify.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { everyOperator, feeds, LARGE_WEIGHTS, sparseWeights } from "../support/every-operator.js";
import { cpuOperators, wasmRun } from "../support/loaded-operators.js";
import { sizeOf } from "../support/model-size.js";
import { sqnr } from "../support/quantize-cases.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

async function stored(model: Model, options: object) {
  const parsed = quantizeStep.options.parse({ minimum: 16, ...options });
  const target = parsed.sparse === "initializer" ? "node" : "any";
  const made = await quantizeStep.apply(model, parsed, stepContext([feeds], target));
  assertValid(made.model);
  return made;
}

async function results(model: Model): Promise<readonly Value[]> {
  return Object.values(await run(model, feeds, services));
}

describe("every operator", () => {
  const model = everyOperator(sparseWeights(0.9));
  let float: { readonly values: readonly Value[]; readonly cpu: readonly string[]; readonly wasm: readonly string[] };
  beforeAll(async () => {
    float = {
      values: await results(model),
      cpu: await cpuOperators(model),
      wasm: (await wasmRun(model, feeds)).operators,
    };
    expect(float.wasm).toContain("LSTM");
  });

  it.each(["bitmask", "gaps", "initializer", "auto"])("is the same with float32 as %s", async (form) => {
    const { model: made, notes } = await stored(model, { weights: "float32", sparse: form });
    expect(notes.filter(({ code }) => code === "stored-sparse")).toHaveLength(LARGE_WEIGHTS);
    expect(sizeOf(made)).toBeLessThan(sizeOf(model) * (form === "initializer" ? 0.4 : 0.25));
    expect((await results(made)).map(bits)).toEqual(float.values.map(bits));
    const wasm = await wasmRun(made, feeds);
    expect(wasm.operators).toEqual(float.wasm);
    // What ONNX Runtime saves of a sparse initializer is not what ONNX allows: no reading it back.
    if (form !== "initializer") expect(await cpuOperators(made)).toEqual(float.cpu);
  });

  it.each([
    ["int8", 36],
    ["int4", 14],
    ["int3", 7],
    ["ternary", 2],
    ["binary", 1],
    ["nf4", 14],
    ["codebook", 12],
    ["float16", 57],
    ["bfloat16", 42],
  ] as const)("is near with the others as %s", async (weights, least) => {
    for (const form of ["bitmask", "gaps"]) {
      const { model: made, notes } = await stored(model, { weights, sparse: form });
      const kept = notes.filter(({ code }) => code === "stored-sparse");
      // Ternary codes of small weights are smaller than their mask.
      expect(kept.length, notes.map(({ text }) => text).join("\n")).toBeGreaterThan(weights === "ternary" ? 7 : 10);
      const after = await results(made);
      for (const [at, before] of float.values.entries()) expect(sqnr(before, after[at]!)).toBeGreaterThan(least);
      expect(await cpuOperators(made)).toEqual(float.cpu);
    }
  });
});

const bits = ({ data }: Value) => {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return [...new Uint8Array(buffer, byteOffset, byteLength)].join();
};

/** A product whose weight is read back by an identity matrix: what the runtime decodes, bit for bit. */
async function decoded(values: Float32Array | Uint16Array, dims: readonly number[], options: object) {
  const half = values instanceof Uint16Array;
  const b = graphBuilder();
  b.input("i", "int64", [dims[0]!]);
  b.initializer("w", tensor(half ? "float16" : "float32", dims, values));
  b.output(b.node("Gather", ["w", "i"]));
  const all: Feeds = {
    i: { dtype: "int64", dims: [dims[0]!], data: BigInt64Array.from({ length: dims[0]! }, (_, at) => BigInt(at)) },
  };
  const { model, notes } = await stored(b.model({ opset: 17 }), { minimum: 1, ...options });
  const [out] = Object.values(await run(model, all, services));
  const { buffer, byteOffset, byteLength } = out!.data as Float32Array;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
  return { words: half ? new Uint16Array(bytes) : new Uint32Array(bytes), notes };
}

describe("any pattern of zeros", () => {
  const runs = fc.array(
    fc.record({
      zeros: fc.nat({ max: 700 }),
      values: fc.array(fc.float({ noDefaultInfinity: false }), { maxLength: 20 }),
    }),
    { minLength: 1, maxLength: 12 },
  );

  it.each(["bitmask", "gaps", "initializer"])("comes back as it was by %s, -0 as 0", async (form) => {
    await fc.assert(
      fc.asyncProperty(runs, fc.integer({ min: 1, max: 9 }), async (pieces, rows) => {
        const flat = pieces.flatMap(({ zeros, values }) => [...Array<number>(zeros).fill(0), ...values]);
        // Enough zeros that every form is smaller, and a length that is no multiple of anything.
        const columns = Math.ceil(flat.length / rows) + 900;
        const values = new Float32Array(rows * columns);
        values.set(flat);
        const { words, notes } = await decoded(values, [rows, columns], { weights: "float32", sparse: form });
        expect(notes.map(({ code }) => code)).toContain("stored-sparse");
        expect([...words]).toEqual([...new Uint32Array(values.map((value) => (value === 0 ? 0 : value)).buffer)]);
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it("may be one without any other number, or end with one far away", async () => {
    for (const form of ["bitmask", "gaps", "initializer", "auto"]) {
      const zeros = await decoded(new Float32Array(3000).fill(-0), [3, 1000], { weights: "float32", sparse: form });
      expect(zeros.words).toEqual(new Uint32Array(3000));
      const far = new Float32Array(140_001);
      far[140_000] = Number.NaN;
      const one = await decoded(far, [1, 140_001], { weights: "float32", sparse: form });
      expect(one.words.every((word, at) => word === (at === 140_000 ? 0x7fc00000 : 0))).toBe(true);
    }
  });

  it("is kept in float16 weights too", async () => {
    const values = Uint16Array.from({ length: 4001 }, (_, at) =>
      at % 17 === 3 ? 0x3c00 + at : at % 5 === 0 ? 0x8000 : 0,
    );
    for (const form of ["bitmask", "gaps", "initializer"]) {
      const { words, notes } = await decoded(values, [1, 4001], { weights: "float16", sparse: form });
      expect(notes.map(({ code }) => code)).toContain("stored-sparse");
      expect([...words]).toEqual([...values].map((word) => (word === 0x8000 ? 0 : word)));
    }
  });
});

describe("what is not stored sparse", () => {
  const weight = (share: number) => everyOperator(sparseWeights(share));

  it("stays as it is, with the reason", async () => {
    const { model, notes } = await stored(weight(0.02), { weights: "float32", sparse: "auto" });
    expect(sizeOf(model)).toBe(sizeOf(weight(0.02)));
    expect(notes.find(({ node }) => node === "even")?.text).toMatch(/% of its numbers are zero/);
    expect(notes.map(({ code }) => code)).toContain("nothing-quantized");
  });

  it("takes the format without it", async () => {
    const { notes } = await stored(weight(0.02), { weights: "int8", sparse: "auto" });
    expect(notes.filter(({ code }) => code === "quantized-extract")).toHaveLength(LARGE_WEIGHTS);
    const left = notes.filter(({ code }) => code === "sparse-left");
    expect(left).toHaveLength(LARGE_WEIGHTS);
    expect(left[0]?.text).toMatch(/is not stored sparse: .* % of its numbers are zero/);
  });

  it.each(["any", "wasm", "webgpu"])(
    "is no sparse_initializer on target %s, where not every build reads it",
    async (target) => {
      const options = quantizeStep.options.parse({ weights: "float32", sparse: "initializer" });
      const { notes } = await quantizeStep.apply(weight(0.9), options, stepContext([feeds], target));
      expect(notes.find(({ node }) => node === "even")?.text).toMatch(/on target \w+ sparse_initializer fails/);
      expect(notes.map(({ code }) => code)).not.toContain("stored-sparse");
    },
  );

  it("is refused where nothing would be left to do", async () => {
    await expect(stored(weight(0.9), { weights: "float32" })).rejects.toThrow(/nothing would change/);
  });

  it.each([
    [{ weights: "int8", sparse: "auto", granularity: "channel" }, /none for channels/],
    [{ weights: "int4", sparse: "bitmask", form: "native" }, /form native reads none/],
    [{ weights: "int4", sparse: "auto", form: "dequantize" }, /form dequantize reads none/],
    [{ weights: "int8", sparse: "initializer" }, /holds numbers as they are, not int8/],
  ])("is refused where the other options leave sparse nothing to do: %j", async (options, message) => {
    await expect(stored(weight(0.9), options)).rejects.toThrow(message);
  });
});
