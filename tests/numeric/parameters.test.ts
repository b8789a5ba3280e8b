// Parameters and non-zeros of compressed models are those of the float model, however many codes stand in a byte.

import { describe, expect, it } from "vitest";
import type { Model } from "../../src/ir/model.js";
import { load } from "../../src/load.js";
import { constants } from "../../src/metrics/constants.js";
import { nonZeroCount } from "../../src/metrics/count-non-zero.js";
import { countParameters } from "../../src/metrics/weights.js";
import { toBytes } from "../../src/onnx/encode.js";
import { formats, isPlain } from "../../src/quantize/formats/index.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { everyOperator, feeds, sparseWeights } from "../support/every-operator.js";
import { stepContext } from "../support/step-context.js";

const parameters = (model: Model) => countParameters(constants(model));

async function made(model: Model, options: object) {
  const parsed = quantizeStep.options.parse({ minimum: 16, ...options });
  return (await quantizeStep.apply(model, parsed, stepContext([feeds], "node"))).model;
}

const dense = everyOperator();
const sparse = everyOperator(sparseWeights(0.9));

describe("parameters are those of the float model", () => {
  it.each(formats.list.filter(({ name }) => name !== "float32").map((format) => [format.name, format] as const))(
    "%s",
    async (weights, format) => {
      const form = isPlain(format) ? (format.computes ? { compute: "stored" } : {}) : { form: "extract" };
      const model = await made(dense, { weights, ...form });
      expect(model).not.toBe(dense);
      expect(parameters(model)).toBe(parameters(dense));
    },
  );

  it.each([
    [{ weights: "float16", compute: "stored", pack: "brotli" }],
    [{ weights: "int8", form: "dequantize" }],
    [{ weights: "codebook", granularity: "channel", entries: 6, group: 4 }],
  ])("%j", async (options) => {
    expect(parameters(await made(dense, options))).toBe(parameters(dense));
  });

  it("codes that operators read, beside the factor of a Gemm, which MatMulNBits has not", async () => {
    expect(parameters(await made(dense, { weights: "int4", form: "native" }))).toBe(parameters(dense) + 1);
  });

  it.each(["bitmask", "gaps", "initializer"])("float32 with its zeros left out, by %s", async (form) => {
    const model = await made(sparse, { weights: "float32", sparse: form });
    expect(parameters(model)).toBe(parameters(sparse));
    expect(await nonZeroCount(model)).toBe(await nonZeroCount(sparse));
  });

  it("int8 with its zeros left out", async () => {
    const model = await made(sparse, { weights: "int8", sparse: "bitmask" });
    expect(parameters(model)).toBe(parameters(sparse));
    expect(await nonZeroCount(model)).toBe(await nonZeroCount(sparse));
  });
});

it("and so in a file", async () => {
  const model = await made(dense, { weights: "int3", form: "extract" });
  expect(parameters(await load(await toBytes(model)))).toBe(parameters(dense));
});
