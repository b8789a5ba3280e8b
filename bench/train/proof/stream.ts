// What the peer reads so that both sides see the same: the training samples in the order and with the changes that
// `finetune` draws for them, the held-out samples, and the learning rate of every update.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset, FinetuneSettings, Sample } from "../../../src/index.js";
import { learningRate } from "../../../src/train/learning-rate.js";
import { openSource } from "../../../src/train/source.js";
import { SampleWriter } from "../data.js";

export interface Recipe extends FinetuneSettings {
  readonly batch: number;
  readonly epochs: number;
}

/** Writes stream/, held/ and recipe.json into `folder`. */
export async function writeStream(folder: string, data: Dataset, recipe: Recipe, seed: number): Promise<void> {
  const train = data.split("train");
  const source = await openSource(train, { seed, budget: 2 ** 32 });
  const perEpoch = Math.floor(source.size / recipe.batch);
  const stream = writer(join(folder, "stream"));
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    for (let batch = 0; batch < perEpoch; batch++) {
      for (const sample of await source.read(epoch, batch * recipe.batch, recipe.batch)) add(stream, sample);
    }
  }
  stream.finish();
  const held = writer(join(folder, "held"));
  let kept = 0;
  for await (const sample of data.split("calibrate").samples()) {
    add(held, sample);
    kept++;
  }
  held.finish();
  const steps = recipe.epochs * perEpoch;
  const rate = learningRate({ name: "cosine", warmup: recipe.warmup ?? 0 }, recipe.lr!, steps);
  const rates = Array.from({ length: steps }, (_, step) => rate(step));
  const { optimizer, keepZeros = false, batch } = recipe;
  writeFileSync(
    join(folder, "recipe.json"),
    JSON.stringify({ batch, perEpoch, rates, optimizer, keepZeros, held: kept }),
  );
}

function writer(folder: string): SampleWriter {
  mkdirSync(folder, { recursive: true });
  return new SampleWriter(folder);
}

const add = (to: SampleWriter, { feeds, label }: Sample) =>
  to.add(feeds as Parameters<SampleWriter["add"]>[0], label as number);
