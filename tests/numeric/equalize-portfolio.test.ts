// Equalisation of real models keeps what they compute.

import { describe, expect, test } from "vitest";
import { observe } from "../../src/engine/observe.js";
import { run } from "../../src/engine/run.js";
import { repairs } from "../../src/quantize/repairs/index.js";
import { quantizeOptions } from "../../src/quantize/schema.js";
import { chooseScheme } from "../../src/quantize/schemes/index.js";
import { targets } from "../../src/targets/index.js";
import { random } from "../../src/tensor/random.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { loadBytes } from "../support/engine.js";
import { portfolioModels } from "../support/portfolio.js";
import { keyOf } from "../support/portfolio-data.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

/** Models with channels that can be scaled; the transformers have none, squeezenet takes long. */
const MODELS = [
  "keywords-ds-cnn",
  "person-mobilenet-v1",
  "cifar-resnet20",
  "cifar-resnet8",
  "mnist-cnn",
  "mnist-cntk",
  "superres-espcn",
];
const paths = portfolioModels().filter((path) => MODELS.includes(keyOf(path)));
const options = quantizeOptions.parse({ granularity: "tensor", repair: ["equalize"] });
const { settings } = chooseScheme(options, targets.get("any"));

describe.skipIf(paths.length === 0)("equalize", () => {
  test.each(paths.map((path) => [keyOf(path), path] as const))("%s computes the same", async (_, path) => {
    const model = await loadBytes(path);
    const feeds = noise((await observe(model, {}, services)).feeds);
    const result = await repairs
      .get("equalize")
      .apply({ model, original: model, settings, context: stepContext([feeds]) });
    expect(result.notes.map(({ code }) => code)).toContain("equalized");
    const [expected, found] = [await run(model, feeds, services), await run(result.model, feeds, services)];
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const [name, { data }] of Object.entries(expected)) {
      const [a, b] = [data as Float32Array, found[name]!.data as Float32Array];
      const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const apart = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
      expect(apart / largest).toBeLessThan(1e-5);
    }
  });
});

/** The same shapes with numbers of 0 to 1. */
function noise(feeds: Feeds): Feeds {
  const draw = random(1);
  const filled = (value: Value): Value =>
    value.dtype === "float32" ? { ...value, data: (value.data as Float32Array).map(() => draw.next()) } : value;
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, filled(value)]));
}
