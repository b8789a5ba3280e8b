// The studies that docs/study.md shows: which network, which data, which grid. Few updates a run: what is compared is how to
// prune, with training that a laptop can afford.

import { type DatasetSpec, finetune, load, type Model, type StudySettings } from "../../src/index.js";
import { makeNode } from "../../src/ir/build.js";
import { GraphEditor } from "../../src/ir/edit.js";
import { float32 } from "../../src/tensor/tensor.js";
import { portfolio } from "../../tests/support/portfolio.js";
import { portfolioDatasets } from "../../tests/support/portfolio-data.js";

export interface StudyTask {
  readonly name: string;
  readonly title: string;
  readonly data: DatasetSpec;
  readonly limit: number;
  readonly settings: StudySettings;
  /** `earlier`: the same network earlier in its training, where weights rewind. */
  start(): Promise<{ readonly model: Model; readonly earlier?: Model }>;
  beside?(): Promise<readonly { readonly name: string; readonly model: Model }[]>;
}

const data = portfolioDatasets();
const network = (name: string) => load(`${portfolio()}/models/${name}.onnx`);
const named = async (name: string, model = network(name)) => ({ name, model: await model });
const seeds = 3;

const mnist = data["mnist-cnn"]!.spec;
/** Fresh weights learn from pixels of 0 to 1; the portfolio's network was trained on 0 to 255. */
const unit = { preset: "unit" };
const mnistUnit: DatasetSpec = {
  ...mnist,
  image: unit,
  split: { train: { ...(mnist.split!.train as object), image: unit } },
} as DatasetSpec;
const MNIST_TRAINING = { steps: 60, batch: 64, lr: 1e-3, evaluateEvery: 20 };

/**
 * CIFAR-10: trained on the 4000 lossless images, measured on those that were stored as JPEG, since of lossless test images there
 * are 200 only. Artefacts of JPEG cost every model about ten points alike.
 */
const { train } = data["cifar-resnet20"]!.spec.split!;
const cifar: DatasetSpec = {
  reader: "images",
  name: "CIFAR-10 test, JPEG",
  files: `${portfolio()}/data/cifar10-test-jpeg/**/*.jpg`,
  image: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  labels: { from: "folder" },
  split: { train: train! },
};
/** Running statistics of few samples serve as well before a training, and cost less. */
const CIFAR_PRUNE = { batchNormSamples: 512 };
/** Counts of channels as they come: sizes are compared, not times. */
const CIFAR_CUT = { ...CIFAR_PRUNE, roundTo: 1 };
const CIFAR_TRAINING = { steps: 36, batch: 64, lr: 1e-3, evaluateEvery: 12, augment: "crop=4,flip" };

export const tasks: readonly StudyTask[] = [
  {
    name: "mnist",
    title: "MNIST CNN (22 k weights), zeros",
    data: mnist,
    limit: 2000,
    settings: {
      scores: ["l1"],
      scopes: ["uniform", "global", "lamp"],
      schedules: ["one-shot", "cubic"],
      steps: 3,
      ratios: [0.8, 0.9, 0.95],
      seeds,
      finetune: MNIST_TRAINING,
    },
    start: async () => ({ model: await network("mnist-cnn") }),
  },
  {
    name: "mnist-weights",
    title: "Second MNIST CNN (6 k weights), trained here so that its earlier weights are known",
    data: mnistUnit,
    limit: 2000,
    settings: {
      scores: ["l1"],
      scopes: ["global"],
      weights: ["keep", "rewind", "reinit"],
      ratios: [0.8, 0.9, 0.95],
      seeds,
      finetune: MNIST_TRAINING,
    },
    start: trainedMnist,
  },
  {
    name: "mnist-channels",
    title: "MNIST CNN, channels cut, beside a network of another architecture for the same data",
    data: mnist,
    limit: 2000,
    settings: {
      structures: ["channel"],
      scores: ["l1"],
      scopes: ["uniform", "global"],
      ratios: [0.3, 0.5, 0.7],
      seeds,
      finetune: MNIST_TRAINING,
    },
    start: async () => ({ model: await network("mnist-cnn") }),
    beside: async () => [await named("mnist-cntk")],
  },
  {
    name: "resnet20",
    title: "ResNet-20 on CIFAR-10 (0.27 M weights), zeros",
    data: cifar,
    limit: 1000,
    settings: {
      scores: ["l1"],
      scopes: ["uniform", "global"],
      schedules: ["one-shot", "cubic"],
      steps: 3,
      ratios: [0.5, 0.8, 0.9],
      seeds,
      finetune: CIFAR_TRAINING,
      prune: CIFAR_PRUNE,
    },
    start: async () => ({ model: await network("cifar-resnet20") }),
  },
  {
    name: "resnet20-channels",
    title: "ResNet-20 on CIFAR-10, channels cut",
    data: cifar,
    limit: 1000,
    settings: {
      structures: ["channel"],
      scores: ["l1"],
      scopes: ["uniform"],
      ratios: [0.2, 0.4],
      seeds,
      finetune: CIFAR_TRAINING,
      prune: CIFAR_CUT,
    },
    start: async () => ({ model: await network("cifar-resnet20") }),
    beside: async () => [await named("cifar-resnet8", resnet8())],
  },
  {
    name: "resnet56-channels",
    title: "ResNet-56 cut to the size of ResNet-20, beside ResNet-20 and ResNet-8 as they were trained",
    data: cifar,
    limit: 1000,
    settings: {
      structures: ["channel"],
      scores: ["l1"],
      scopes: ["uniform"],
      // 10, 9 and 8 of every 16 channels stay; 9 of 16 is the size of ResNet-20.
      ratios: [0.375, 0.4375, 0.5],
      seeds,
      finetune: CIFAR_TRAINING,
      prune: CIFAR_CUT,
    },
    start: async () => ({ model: await network("cifar-resnet56") }),
    beside: async () => [await named("cifar-resnet20"), await named("cifar-resnet8", resnet8())],
  },
];

/**
 * The second MNIST network from fresh weights: 60 updates, and 840 more from there. The first has a Relu behind its scores, so that
 * from fresh weights some classes never learn.
 */
async function trainedMnist(): Promise<{ model: Model; earlier: Model }> {
  const options = { data: mnistUnit, threads: 2 };
  const common = { batch: 64, lr: 3e-3, seed: 1, evaluateEvery: 120 };
  const fresh = { ...common, init: "kaiming", steps: 60, schedule: "constant" } as const;
  const { model: earlier } = await finetune(await network("mnist-cntk"), fresh, options);
  const { model } = await finetune(earlier, { ...common, steps: 840 }, options);
  return { model, earlier };
}

/** It takes pixels of 0 to 255: with what undoes the normalisation of the other networks before it. */
async function resnet8(): Promise<Model> {
  const model = await network("cifar-resnet8");
  const { graph } = model;
  const input = graph.inputs[0]!.name;
  const channels = (values: readonly number[]) => float32([1, 3, 1, 1], values);
  const editor = new GraphEditor(graph);
  const raw = "pixels";
  for (const node of graph.nodes) {
    if (!node.inputs.includes(input)) continue;
    editor.replace(node, [{ ...node, inputs: node.inputs.map((name) => (name === input ? raw : name)) }]);
  }
  editor.setInitializer("pixel-scale", channels([0.229, 0.224, 0.225].map((std) => 255 * std)));
  editor.setInitializer("pixel-shift", channels([0.485, 0.456, 0.406].map((mean) => 255 * mean)));
  editor.prepend([
    makeNode("Mul", [input, "pixel-scale"], ["pixels-scaled"]),
    makeNode("Add", ["pixels-scaled", "pixel-shift"], [raw]),
  ]);
  return { ...model, graph: editor.done() };
}
