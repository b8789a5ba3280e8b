// What is proved: models from fresh weights, and damaged ones that recover. Datasets, recipes, and the weights to begin with.

import { join } from "node:path";
import { type DatasetSpec, type FinetuneSettings, load, type Model } from "../../../src/index.js";
import { graphBuilder } from "../../../src/ir/build.js";
import type { Initializer } from "../../../src/ir/model.js";
import { withServices } from "../../../src/services.js";
import { random } from "../../../src/tensor/random.js";
import { float32 } from "../../../src/tensor/tensor.js";
import { firstBatch } from "../../../src/train/batches.js";
import { freshWeights } from "../../../src/train/init.js";
import { prepare } from "../../../src/train/prepare.js";
import { portfolio } from "../../../tests/support/portfolio.js";
import { portfolioDatasets } from "../../../tests/support/portfolio-data.js";

export interface Task {
  readonly name: string;
  readonly title: string;
  readonly data: DatasetSpec;
  /** As a user states it, without the seed. */
  readonly recipe: FinetuneSettings & { readonly batch: number; readonly epochs: number };
  /** The model that both sides begin with. */
  initial(seed: number): Promise<Model>;
  /** Of a damaged model: what it was before. */
  readonly whole?: () => Promise<Model>;
}

const root = portfolio() ?? "";
const sets = portfolioDatasets();
const cifar = (): Promise<Model> => load(join(root, "models/cifar-resnet20.onnx"));

/** Grey values from 0 to 1, in both parts. */
const mnist = scaled(sets["mnist-cnn"]?.spec as DatasetSpec, { preset: "unit" });

const news = sets["agnews-transformer"]?.spec as DatasetSpec;

/** The lossless training images, and the JPEG test images: 500 to choose by, 1500 to report. */
const recovery = {
  reader: "images",
  name: "cifar10-test-jpeg",
  files: join(root, "data/cifar10-test-jpeg/*/*.jpg"),
  image: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  labels: { from: "folder" },
  augment: "crop=4,flip",
  split: {
    calibrate: 0.25,
    measure: 0.75,
    train: (sets["cifar-resnet20"]?.spec as { split: { train: object } } | undefined)?.split.train,
  },
} as unknown as DatasetSpec;

const recover = {
  batch: 64,
  epochs: 5,
  lr: 0.02,
  optimizer: { name: "sgd", momentum: 0.9 },
  bn: "train",
  lastBatch: "drop",
} as const;

export const tasks: readonly Task[] = [
  {
    name: "mnist-mlp",
    title: "MLP 784-128-64-10, MNIST",
    data: mnist,
    recipe: { batch: 64, epochs: 4, lr: 0.001, optimizer: "adam", lastBatch: "drop" },
    initial: (seed) => fresh(mlp(), mnist, seed, "kaiming"),
  },
  {
    name: "mnist-cnn",
    title: "CNN of two convolutions, MNIST",
    data: mnist,
    recipe: { batch: 64, epochs: 3, lr: 0.002, optimizer: "adam", lastBatch: "drop" },
    initial: (seed) => fresh(cnn(), mnist, seed, "kaiming"),
  },
  {
    name: "agnews",
    title: "transformer text classifier, AG News",
    data: { ...news, pad: true, split: { train: { files: join(root, "data/agnews/dev.tsv") } } } as DatasetSpec,
    recipe: { batch: 32, epochs: 4, lr: 0.0005, optimizer: "adam", warmup: 100, lastBatch: "drop" },
    initial: async (seed) =>
      fresh(
        await load(join(root, "models/agnews-transformer/model.onnx")),
        { ...news, pad: true } as DatasetSpec,
        seed,
        "xavier",
      ),
  },
  {
    name: "cifar-pruned",
    title: "ResNet-20, 70% of each layer zero by magnitude, masked",
    data: recovery,
    recipe: { ...recover, keepZeros: true },
    initial: async () => damaged(await cifar(), 0.7, undefined),
    whole: cifar,
  },
  {
    name: "cifar-damaged",
    title: "ResNet-20, 30% of each layer zero at random",
    data: recovery,
    recipe: recover,
    initial: async (seed) => damaged(await cifar(), 0.3, seed),
    whole: cifar,
  },
];

function mlp(): Model {
  const b = graphBuilder("mlp");
  let x = b.node("Flatten", [b.input("image", "float32", ["batch", 1, 28, 28])]);
  [784, 128, 64, 10].slice(1).forEach((to, layer) => {
    const from = [784, 128, 64][layer]!;
    const weight = b.initializer(`fc${layer}.weight`, float32([to, from], new Float32Array(to * from).fill(1)));
    const bias = b.initializer(`fc${layer}.bias`, float32([to], new Float32Array(to)));
    x = b.node("Gemm", [x, weight, bias], { attributes: { transB: 1 }, ...(layer === 2 && { outputs: ["logits"] }) });
    if (layer < 2) x = b.node("Relu", [x]);
  });
  b.output(x, "float32", ["batch", 10]);
  return b.model();
}

function cnn(): Model {
  const b = graphBuilder("cnn");
  let x = b.input("image", "float32", ["batch", 1, 28, 28]);
  [1, 16].forEach((from, layer) => {
    const to = [16, 32][layer]!;
    const weight = b.initializer(
      `conv${layer}.weight`,
      float32([to, from, 3, 3], new Float32Array(to * from * 9).fill(1)),
    );
    const bias = b.initializer(`conv${layer}.bias`, float32([to], new Float32Array(to)));
    x = b.node("Conv", [x, weight, bias], { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } });
    x = b.node("MaxPool", [b.node("Relu", [x])], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
  });
  const weight = b.initializer("fc.weight", float32([10, 1568], new Float32Array(15680).fill(1)));
  const bias = b.initializer("fc.bias", float32([10], new Float32Array(10)));
  const logits = b.node("Gemm", [b.node("Flatten", [x]), weight, bias], {
    attributes: { transB: 1 },
    outputs: ["logits"],
  });
  b.output(logits, "float32", ["batch", 10]);
  return b.model();
}

/** A spec whose images, in every part, are prepared in this way. */
function scaled(spec: DatasetSpec, image: object): DatasetSpec {
  const { split } = (spec ?? {}) as { split?: { train?: object } };
  return { ...spec, image, split: { ...split, train: { ...split?.train, image } } } as DatasetSpec;
}

/** The same graph with weights drawn anew, as `finetune` with `init` would draw them. */
function fresh(model: Model, spec: DatasetSpec, seed: number, init: "kaiming" | "xavier"): Promise<Model> {
  return withServices(model, { data: spec }, async (services) => {
    const feeds = await firstBatch(services.data.split("train"), 4);
    const { prepared } = freshWeights(await prepare(model, { feeds }, services), { init, seed });
    return prepared.restore(new Map());
  });
}

/** Each layer with this share of its weights zero: the smallest, or at random by the seed. */
async function damaged(model: Model, share: number, seed: number | undefined): Promise<Model> {
  const initializers = new Map<string, Initializer>(model.graph.initializers);
  const draw = random(seed ?? 0);
  for (const [name, weight] of model.graph.initializers) {
    if (weight.sparse !== undefined || weight.dtype !== "float32" || weight.dims.length < 2) continue;
    const values = new Float32Array((await weight.data.read()).slice().buffer);
    const key = seed === undefined ? values.map(Math.abs) : Float64Array.from(values, () => draw.next());
    const limit = [...key].sort((a, b) => a - b)[Math.floor(share * key.length)] ?? 0;
    initializers.set(
      name,
      float32(
        weight.dims,
        values.map((value, at) => (key[at]! < limit ? 0 : value)),
      ),
    );
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
