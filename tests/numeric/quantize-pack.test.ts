// 16-bit floats in planes of bytes: the same numbers as without, nothing left to decode, and smaller once compressed.

import { brotliCompressSync, constants } from "node:zlib";
import { describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { assertValid } from "../../src/ir/verify.js";
import { toBytes } from "../../src/onnx/encode.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { fromBfloat16, fromFloat16 } from "../../src/tensor/float16.js";
import { float32 } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { everyOperator, feeds } from "../support/every-operator.js";
import { cpuOperators, wasmRun } from "../support/loaded-operators.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

async function made(model: Model, options: object) {
  const parsed = quantizeStep.options.parse({ compute: "stored", ...options });
  const result = await quantizeStep.apply(model, parsed, stepContext([feeds]));
  assertValid(result.model);
  return result.model;
}

const plain = ({ data }: Value) => [...(data as Float32Array)];
const brotli = async (model: Model) =>
  brotliCompressSync(await toBytes(model), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length;

describe.each(["float16", "bfloat16"] as const)("%s in planes", (weights) => {
  // bfloat16 is always in planes: not every build of the runtime can cast it.
  const compute = weights === "float16" ? { compute: "stored", pack: "brotli" } : { compute: undefined };

  it("is decoded at load", async () => {
    const model = everyOperator();
    const planes = await made(model, { weights, ...compute });
    expect(await cpuOperators(planes)).toEqual(await cpuOperators(model));
    expect((await wasmRun(planes, feeds)).operators).toEqual((await wasmRun(model, feeds)).operators);
  });

  it("holds every number of the format", async () => {
    const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
    const values = (weights === "float16" ? fromFloat16 : fromBfloat16)(words);
    // Infinities and NaN are refused before; subnormals of bfloat16 are stated to become 0.
    const kept = values.map((number) => (Number.isFinite(number) ? number : 1));
    const b = graphBuilder();
    b.input("i", "int64", [256]);
    b.initializer("w", float32([256, 256], kept));
    b.output(b.node("Gather", ["w", "i"]));
    const planes = await made(b.model({ opset: 17 }), { weights, ...compute });
    const rows: Feeds = {
      i: { dtype: "int64", dims: [256], data: BigInt64Array.from({ length: 256 }, (_, at) => BigInt(at)) },
    };
    const [out] = Object.values(await run(planes, rows, services));
    const tiny = (number: number) => weights === "bfloat16" && Math.abs(number) < 2 ** -126;
    const wrong = plain(out!).filter((number, at) => !Object.is(number, tiny(kept[at]!) ? 0 * kept[at]! : kept[at]!));
    expect(wrong).toEqual([]);
  });

  it("refuses what has no place in it", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 64]);
    const values = new Float32Array(4096);
    values[77] = Number.NaN;
    b.initializer("w", float32([64, 64], values));
    b.output(b.node("MatMul", ["x", "w"]));
    const model = made(b.model({ opset: 17 }), { weights, ...compute });
    if (weights === "bfloat16") await expect(model.then(toBytes)).rejects.toThrow(/infinities or NaN/);
    else expect((await toBytes(await model)).byteLength).toBeGreaterThan(8192);
  });
});

it("is said to do nothing for codes of fewer bits", async () => {
  await expect(made(everyOperator(), { weights: "int4", compute: undefined, pack: "brotli" })).rejects.toThrow(/pack/);
});

it("float16 in planes is what it is without, and compresses better", async () => {
  const model = everyOperator();
  const dense = await made(model, { weights: "float16", compute: "stored" });
  const planes = await made(model, { weights: "float16", compute: "stored", pack: "brotli" });
  const outputs = async (one: Model) => Object.values(await run(one, feeds, services)).map(plain);
  expect(await outputs(planes)).toEqual(await outputs(dense));
  expect(await brotli(planes)).toBeLessThan(await brotli(dense));
});
