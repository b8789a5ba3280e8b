// Every model of the portfolio becomes a graph to be trained that computes the same, and goes back into its file unchanged.

import { basename, dirname } from "node:path";
import { expect, test } from "vitest";
import { syntheticFeeds } from "../../src/data/synthetic.js";
import { bindDims } from "../../src/engine/dims.js";
import { run } from "../../src/engine/run.js";
import type { Model } from "../../src/ir/model.js";
import { toBytes } from "../../src/onnx/encode.js";
import { random } from "../../src/tensor/random.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { prepare } from "../../src/train/prepare.js";
import { loadBytes } from "../support/engine.js";
import { portfolioModels } from "../support/portfolio.js";
import { expectClose, initialValues, prepareAndCompare } from "../support/prepared.js";
import { services } from "../support/services.js";

const nameOf = (path: string) => (basename(path) === "model.onnx" ? basename(dirname(path)) : basename(path, ".onnx"));
const models = new Map(portfolioModels().map((path) => [nameOf(path), path]));

/** Parameters of each as the frameworks that made them count them. */
const WEIGHTS: Readonly<Record<string, number>> = {
  "agnews-transformer": 54,
  "cifar-resnet20": 59,
  "cifar-resnet56": 167,
  "cifar-resnet8": 20,
  "keywords-ds-cnn": 38,
  "mnist-cnn": 8,
  "mnist-cntk": 6,
  "person-mobilenet-v1": 56,
  "silero-vad-16k": 15,
  "squeezenet1.1": 52,
  stories260k: 48,
  "superres-espcn": 8,
};

const HEADS: Readonly<Record<string, string>> = {
  "cifar-resnet8": "softmax",
  "mnist-cnn": "log-softmax",
  "person-mobilenet-v1": "softmax",
};

/** Seeded numbers in every input, `batch` samples. */
function feedsOf(model: Model, batch: number): Feeds {
  const sizes = { batch, seq: 12, sequence: 576 };
  const symbols = new Set(
    model.graph.inputs.flatMap(({ type }) => (type?.kind === "tensor" ? (type.shape ?? []) : [])),
  );
  const stated = Object.fromEntries(Object.entries(sizes).filter(([name]) => symbols.has(name)));
  const feeds = syntheticFeeds(model, bindDims(model, stated), random(1));
  return feeds.sr === undefined
    ? feeds
    : { ...feeds, sr: { dtype: "int64", dims: [], data: BigInt64Array.of(16000n) } };
}

test.skipIf(models.size === 0)("the table names every model of the portfolio", () => {
  expect([...models.keys()].sort()).toEqual(Object.keys(WEIGHTS).sort());
});

test.each([...models].filter(([name]) => name !== "squeezenet1.1" && name !== "superres-espcn"))(
  "%s",
  async (name, path) => {
    const model = await loadBytes(path);
    const prepared = await prepareAndCompare(model, feedsOf(model, 2));
    expect(prepared.weights).toHaveLength(WEIGHTS[name]!);
    expect(prepared.heads[0]!.activation).toBe(HEADS[name] ?? "none");
    for (const { node } of prepared.statistics) expect(prepared.model.graph.nodes).toContain(node);
  },
);

test.skipIf(models.size === 0).each(["squeezenet1.1", "superres-espcn"])("%s, one image", async (name) => {
  const model = await loadBytes(models.get(name)!);
  expect((await prepareAndCompare(model, feedsOf(model, 1))).weights).toHaveLength(WEIGHTS[name]!);
});

test.skipIf(models.size === 0).each(["mnist-cnn", "mnist-cntk"])("%s with four samples at a time", async (name) => {
  const model = await loadBytes(models.get(name)!);
  const one = Object.keys(feedsOf(model, 1))[0]!;
  const samples = [0, 1, 2, 3].map((seed) => syntheticFeeds(model, bindDims(model), random(seed))[one]!);
  const data = new Float32Array(4 * 784);
  samples.forEach((sample, i) => {
    data.set(sample.data as Float32Array, i * 784);
  });
  const feeds = { [one]: { dtype: "float32", dims: [4, 1, 28, 28], data } as const };
  const prepared = await prepare(model, { feeds }, services);
  expect(prepared.batch).toBe(4);
  const found = await run(prepared.model, feeds, services);
  for (const [i, sample] of samples.entries()) {
    const expected = await run(model, { [one]: sample }, services);
    const row = Object.fromEntries(
      Object.entries(found).map(([output, { dims, data }]) => {
        const width = dims[1]!;
        const part: Value = {
          dtype: "float32",
          dims: [1, width],
          data: (data as Float32Array).slice(i * width, (i + 1) * width),
        };
        return [output, part];
      }),
    );
    expectClose(expected, row, 1e-5);
  }
  // The file keeps the batch that it has.
  const values = await initialValues(prepared);
  const [first] = prepared.weights;
  values.set(first!.name, {
    ...values.get(first!.name)!,
    data: new Float32Array(values.get(first!.name)!.data.length),
  });
  const back = await prepared.restore(values);
  expect(back.graph.inputs).toBe(model.graph.inputs);
  expect(back.graph.nodes).toBe(model.graph.nodes);
});

test.skipIf(models.size === 0)(
  "silero-vad: no branch is left, its LSTM is written out, weights inside branches are found",
  async () => {
    const model = await loadBytes(models.get("silero-vad-16k")!);
    const prepared = await prepare(model, { feeds: feedsOf(model, 2) }, services);
    const operators = prepared.model.graph.nodes.map(({ opType }) => opType);
    expect(operators).not.toContain("If");
    expect(operators).not.toContain("LSTM");
    expect(prepared.inputs).toEqual(["input", "state"]);
    // One changed weight that stands in a branch or the main graph changes that one only.
    const values = await initialValues(prepared);
    const name = prepared.weights.find(({ dims }) => dims.length === 3)!.name;
    values.set(name, { ...values.get(name)!, data: new Float32Array(values.get(name)!.data.length) });
    const back = await prepared.restore(values);
    expect((await toBytes(back)).byteLength).toBe((await toBytes(model)).byteLength);
    expect(await toBytes(back)).not.toEqual(await toBytes(model));
  },
);
