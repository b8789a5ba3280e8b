// Recovery on a real model: the MNIST CNN without nine of ten weights, trained for a few updates on real digits.

import { expect, test } from "vitest";
import { openDataset } from "../../src/data/index.js";
import type { Model } from "../../src/ir/model.js";
import { load } from "../../src/load.js";
import { pruneGradually } from "../../src/prune/recover/gradual.js";
import { recover } from "../../src/prune/recover/recover.js";
import { tensor } from "../../src/tensor/tensor.js";
import { finetuneOptions } from "../../src/train/finetune-options.js";
import { portfolio } from "../support/portfolio.js";
import { portfolioDatasets } from "../support/portfolio-data.js";
import { dataServices } from "../support/score.js";
import { stepContext } from "../support/step-context.js";

const folder = portfolio();
const RATIO = 0.9;

async function numbers(model: Model, name: string): Promise<Float32Array> {
  const found = model.graph.initializers.get(name)!;
  if (found.sparse) throw new Error(`${name} is sparse`);
  return new Float32Array((await found.data.read()).slice().buffer);
}

/** The smallest of each weight are zero, ties in order. */
function smallest(values: Float32Array, share: number): Float32Array {
  const order = [...values.keys()].sort((a, b) => Math.abs(values[a]!) - Math.abs(values[b]!) || a - b);
  const gone = new Set(order.slice(0, Math.round(share * values.length)));
  return values.map((value, i) => (gone.has(i) ? 0 : value));
}

const places = (values: Float32Array) => [...values].flatMap((value, i) => (value === 0 ? [i] : []));

test.skipIf(folder === undefined)("nine of ten weights of the MNIST CNN", { timeout: 120_000 }, async () => {
  const model = await load(`${folder}/models/mnist-cnn.onnx`);
  const { spec } = portfolioDatasets()["mnist-cnn"]!;
  const train = (spec.split as { readonly train: object }).train;
  const parts = { ...spec, count: 300, split: { train: { ...train, count: 1000 }, calibrate: 0.9, measure: 0.1 } };
  const data = await openDataset(parts as typeof spec, model, dataServices);
  const context = { ...stepContext(), data, seed: 4 };
  const names = [...model.graph.initializers].flatMap(([name, { dims, dtype }]) =>
    dtype === "float32" && dims.length > 1 && dims.reduce((a, b) => a * b) > 100 ? [name] : [],
  );
  expect(names.length).toBeGreaterThanOrEqual(3);
  const initializers = new Map(model.graph.initializers);
  for (const name of names) {
    const { dims } = initializers.get(name)!;
    initializers.set(name, tensor("float32", dims, smallest(await numbers(model, name), RATIO)));
  }
  const pruned = { ...model, graph: { ...model.graph, initializers } };
  const finetune = finetuneOptions.parse({ batch: 32, steps: 24, lr: 0.003, evaluateEvery: 12 });

  const { model: recovered, finetuned } = await recover(pruned, { finetune, masked: true }, context);
  for (const name of names) {
    const holes = places(await numbers(pruned, name));
    expect(places(await numbers(recovered, name))).toEqual(holes);
    expect(holes.length).toBeGreaterThanOrEqual(Math.round(RATIO * (await numbers(model, name)).length));
  }
  expect(finetuned!.best!.held.metric!.value).toBeGreaterThan(finetuned!.before!.metric!.value + 0.05);

  // The same share while it is trained.
  const prune = (weights: ReadonlyMap<string, { readonly values: Float32Array }>, share: number) =>
    new Map([...weights].map(([name, { values }]) => [name, smallest(values, share)]));
  const options = { finetune, goal: RATIO, every: 5, end: 0.5, weights: names, prune };
  const gradual = await pruneGradually(model, options, context);
  for (const name of names) {
    const values = await numbers(gradual.model, name);
    expect(places(values)).toHaveLength(Math.round(RATIO * values.length));
  }
  expect(gradual.finetuned!.best!.held.metric!.value).toBeGreaterThan(finetuned!.before!.metric!.value + 0.05);
});
