// Zeros in a trained network: how much of it is not missed, and what they are worth when they are stored.

import { expect, test } from "vitest";
import { compress } from "../../src/compress.js";
import { load } from "../../src/load.js";
import { measure } from "../../src/measure.js";
import { saveBytes } from "../../src/save.js";
import { portfolio } from "../support/portfolio.js";
import { portfolioDatasets } from "../support/portfolio-data.js";

const folder = portfolio();
const SAMPLES = 300;

test.skipIf(folder === undefined)(
  "half of the MNIST CNN's weights are not missed, and the file is smaller without them",
  async () => {
    const model = await load(`${folder}/models/mnist-cnn.onnx`);
    const data = portfolioDatasets()["mnist-cnn"]!.spec;
    const options = { data, threads: 2 };
    const prune = async (settings: object) =>
      (await compress(model, [{ method: "prune", batchNormSamples: 0, ...settings }], options)).model;
    const half = await prune({ ratio: 0.5 });
    const most = await prune({ ratio: 0.95 });
    const random = await prune({ ratio: 0.5, score: "random" });
    const stored = (await compress(half, [{ method: "quantize", weights: "float32", sparse: "auto" }], options)).model;
    const report = await measure([model, half, most, random, stored], {
      ...options,
      metrics: ["accuracy", "non-zero"],
      limit: SAMPLES,
    });
    const [dense, halved, left, drawn, sparse] = report.models.map((row) => row.accuracy!.value);
    expect(dense).toBeGreaterThan(0.97);
    expect(halved!).toBeGreaterThan(dense! - 0.01);
    // It is the choice that matters: as many at random are missed, and so are nearly all.
    expect(drawn!).toBeLessThan(halved! - 0.1);
    expect(left!).toBeLessThan(halved! - 0.1);
    expect(sparse).toBe(halved);
    const [, zeros, , , same] = report.models.map((row) => row.nonZero!);
    expect(zeros! / report.models[0]!.nonZero!).toBeCloseTo(0.5, 1);
    expect(same).toBe(zeros);
    const [before, after] = [(await saveBytes(half)).byteLength, (await saveBytes(stored)).byteLength];
    expect(after).toBeLessThan(0.62 * before);
  },
);
