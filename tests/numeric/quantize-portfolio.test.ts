// The schemes on real models: smaller, valid, and near to float on the engine.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { synthetic } from "../../src/data/synthetic.js";
import { verifyModel } from "../../src/engine/compare.js";
import { assertValid } from "../../src/ir/verify.js";
import { load } from "../../src/load.js";
import { toBytes } from "../../src/onnx/encode.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import type { Feeds } from "../../src/tensor/value.js";
import { portfolio } from "../support/portfolio.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

const root = portfolio();
const models = [
  "cifar-resnet8.onnx",
  "mnist-cntk.onnx",
  "silero-vad-16k.onnx",
  "stories260k/model.onnx",
  "keywords-ds-cnn.onnx",
];
const choices = [
  { options: { weights: "float16" }, share: 0.56, cosine: 0.9999 },
  { options: { weights: "float16", compute: "stored" }, share: 0.6, cosine: 0.9999 },
  { options: { weights: "uint8" }, share: 0.67, cosine: 0.98 },
  { options: { weights: "int8" }, share: 0.67, cosine: 0.97 },
  { options: { activations: "dynamic" }, share: 0.67, cosine: 0.95 },
  { options: { weights: "int4" }, share: 0.6, cosine: undefined },
];

describe.skipIf(root === undefined).each(models)("%s", (path) => {
  it.each(choices)("$options", async ({ options, share, cosine }) => {
    const model = await load(new Uint8Array(readFileSync(join(root!, "models", path))));
    const feeds: Feeds[] = [];
    for await (const sample of synthetic(model, { count: 4, seed: 3 }).samples()) feeds.push(sample.feeds);
    const { model: result } = await quantizeStep.apply(model, quantizeStep.options.parse(options), stepContext(feeds));
    assertValid(result);
    const [before, after] = [await toBytes(model), await toBytes(result)];
    expect(after.length / before.length).toBeLessThan(share);
    const samples = (async function* () {
      yield* feeds;
    })();
    const { verified, outputs } = await verifyModel(model, result, samples, services);
    expect(verified).toBe("full");
    for (const output of outputs) {
      expect(output.nonFinite.mismatched).toBe(0);
      if (cosine !== undefined) expect(output.cosine).toBeGreaterThan(cosine);
    }
  });
});
