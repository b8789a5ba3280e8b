// A small training for tests: points of three classes on a spiral, and a network that learns them.

import type { Dataset, Sample } from "../../src/data/dataset.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import { float32 } from "../../src/tensor/tensor.js";
import { firstBatch } from "../../src/train/batches.js";
import type { LoopOptions } from "../../src/train/loop-options.js";
import { prepare } from "../../src/train/prepare.js";
import type { Prepared } from "../../src/train/prepared.js";
import { buildStep, type StepGraph, type StepOptions } from "../../src/train/step.js";
import { engineServices } from "./engine.js";

/** x [n, 2] -> 16 -> 3 classes, softmax at the end. */
export function spiralModel(seed = 1): Model {
  const source = random(seed);
  const weights = (...dims: number[]) =>
    float32(
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b) }, () => source.normal() / Math.sqrt(dims[0]!)),
    );
  const b = graphBuilder();
  const x = b.input("x", "float32", ["n", 2]);
  const product = b.node("MatMul", [x, b.initializer("w0", weights(2, 16))], { name: "first" });
  const bias = b.initializer("b0", float32([16], Array(16).fill(0)));
  const hidden = b.node("Tanh", [b.node("Add", [product, bias])], { name: "middle" });
  const logits = b.node("MatMul", [hidden, b.initializer("w1", weights(16, 3))], { name: "last" });
  b.output(b.node("Softmax", [logits], { outputs: ["p"], attributes: { axis: 1 } }), "float32", ["n", 3]);
  return b.model({ opset: 21 });
}

export interface SpiralOptions {
  readonly size?: number;
  readonly seed?: number;
  /** Whether samples are to be had by index. */
  readonly indexed?: boolean;
  readonly change?: (sample: Sample, index: number) => Sample;
}

export function spirals({ size = 96, seed = 5, indexed = true, change = (one) => one }: SpiralOptions = {}): Dataset {
  const source = random(seed);
  const samples = Array.from({ length: size }, (_, index): Sample => {
    const label = index % 3;
    const radius = 0.2 + source.next();
    const angle = 2 * radius + (label * 2 * Math.PI) / 3 + 0.1 * source.normal();
    const data = Float32Array.of(radius * Math.cos(angle), radius * Math.sin(angle));
    return change({ feeds: { x: { dtype: "float32", dims: [1, 2], data } }, label, id: `point ${index}` }, index);
  });
  const dataset: Dataset = {
    name: "spirals",
    size: indexed ? size : undefined,
    labelled: true,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = size } = {}) {
      yield* samples.slice(0, limit);
    },
    ...(indexed ? { sample: async (index: number) => samples[index]! } : {}),
    split: () => dataset,
  };
  return dataset;
}

export interface Case {
  readonly prepared: Prepared;
  readonly step: StepGraph;
}

export async function spiralCase(options: Partial<StepOptions> = {}, batch = 8, seed = 1): Promise<Case> {
  const prepared = await prepare(spiralModel(seed), { feeds: await firstBatch(spirals(), batch) }, engineServices());
  const step = buildStep(prepared, {
    losses: [{ loss: "cross-entropy" }],
    optimizer: { name: "adam" },
    ...options,
  });
  return { prepared, step };
}

export const loopOptions = (more: Partial<LoopOptions> = {}): LoopOptions => ({
  lr: 0.02,
  schedule: { name: "constant" },
  lastBatch: "drop",
  seed: 3,
  ...more,
});

/** What the killed process and the one that goes on agree on. */
export const killedOptions = {
  step: { dropout: { middle: 0.2 }, optimizer: { name: "adamw" } },
  loop: loopOptions({ steps: 20 }),
} as const;
