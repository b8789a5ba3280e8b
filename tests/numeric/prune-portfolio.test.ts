// Every model of the portfolio and of the zoo: random cuts of 10 to 70 percent of the channels against the masked model.

import { basename, dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { load } from "../../src/load.js";
import { portfolioModels } from "../support/portfolio.js";
import { drawnRemoval, grouped, provedCut } from "../support/pruning/proof.js";
import { zoo } from "../support/zoo.js";

/** Groups and units that can be removed. Fewer: something became a reason to keep channels; more: say so here. */
const EXPECTED: Readonly<Record<string, readonly [groups: number, units: number]>> = {
  "agnews-transformer": [6, 3 * 4 + 3 * 512],
  // Shortcuts that pad channels: a part of each stage's stream goes with the stage before.
  "cifar-resnet20": [9 + 3, 3 * (16 + 32 + 64) + 64],
  "cifar-resnet56": [27 + 3, 9 * (16 + 32 + 64) + 64],
  "cifar-resnet8": [3 + 3, 2 * (16 + 32 + 64)],
  "keywords-ds-cnn": [5, 5 * 64],
  "mnist-cnn": [3, 80],
  "mnist-cntk": [2, 8 + 16],
  "person-mobilenet-v1": [14, 8 + 16 + 2 * (32 + 64) + 6 * 128 + 2 * 256],
  "silero-vad-16k": [4, 129 + 128 + 64 + 64],
  "squeezenet1.1": [25, 2944],
  stories260k: [1 + 5 + 5, 64 + 5 * 4 + 5 * 172],
  "superres-espcn": [3, 64 + 64 + 32],
};

const models = portfolioModels().map(
  (path) => [basename(path) === "model.onnx" ? basename(dirname(path)) : basename(path, ".onnx"), path] as const,
);

describe.each(models)("%s", (name, path) => {
  test("random cuts equal the masked model", async () => {
    const grouping = await grouped(await load(path), undefined);
    const free = grouping.groups.filter(({ obstacle }) => obstacle === undefined);
    expect([free.length, free.reduce((all, { units }) => all + units, 0)]).toEqual(EXPECTED[name]);
    for (const [seed, ratio] of [0.1, 0.4, 0.7].entries()) {
      const { macs } = await provedCut(grouping, drawnRemoval(grouping, ratio, seed), grouping.facts.feeds);
      expect(macs.after).toBeLessThan(macs.before);
    }
  });
});

/** Units that can be removed; what is not listed has none. */
const UNITS: Readonly<Record<string, number>> = {
  "cnn-opset7": 96,
  "constants-opset9": 64,
  "mobile-opset11": 312,
  "unet-opset13": 192,
  "tabular-ints-opset13": 160,
  "gru-opset13": 80,
  "weights-behind-nodes-opset14": 320,
  "float16-opset15": 256,
  "bilstm-opset17": 160,
  "tied-embeddings-opset17": 256,
  "decoder-past-opset21": 512,
  "gemm-opset21": 512,
  "swiglu-opset23": 384,
};

test.each(zoo().map((one) => [one.name, one] as const))("%s", async (name, { model, feeds }) => {
  const grouping = await grouped(model, feeds);
  const units = grouping.groups.reduce((all, { obstacle, units: own }) => all + (obstacle ? 0 : own), 0);
  expect(units).toBe(UNITS[name] ?? 0);
  await provedCut(grouping, drawnRemoval(grouping, 0.5, 1), feeds);
});
