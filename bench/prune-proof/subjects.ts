// What is pruned: models of the portfolio, the data they are trained and reported on, and how they are fine-tuned.

import { join } from "node:path";
import type { DatasetSpec, FinetuneSettings } from "../../src/index.js";
import { portfolio } from "../../tests/support/portfolio.js";
import { portfolioDatasets } from "../../tests/support/portfolio-data.js";

export interface Subject {
  readonly name: string;
  readonly title: string;
  readonly path: string;
  /** Trained on its train part, chosen by its calibrate part, reported on its measure part. */
  readonly data: DatasetSpec;
  /** Of one training; undefined where there is too little data to train. */
  readonly finetune: (FinetuneSettings & { readonly epochs: number }) | undefined;
}

const root = portfolio() ?? "";
const sets = portfolioDatasets();
const specOf = (name: string) => sets[name]?.spec as DatasetSpec & { split?: { train?: object } };
const parts = (spec: DatasetSpec & { split?: { train?: object } }, calibrate: number): DatasetSpec =>
  ({ ...spec, split: { calibrate, measure: 1 - calibrate, train: spec?.split?.train } }) as DatasetSpec;

/** Lossless training images; test images with JPEG artefacts: 500 to choose by, 1500 to report. */
const cifar = {
  reader: "images",
  name: "cifar10-test-jpeg",
  files: join(root, "data/cifar10-test-jpeg/*/*.jpg"),
  image: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  labels: { from: "folder" },
  augment: "crop=4,flip",
  split: { calibrate: 0.25, measure: 0.75, train: specOf("cifar-resnet20")?.split?.train },
} as unknown as DatasetSpec;

const residual = {
  batch: 64,
  lr: 0.02,
  optimizer: { name: "sgd", momentum: 0.9 },
  bn: "train",
  lastBatch: "drop",
} as const;
const model = (path: string) => join(root, "models", path);

export const subjects = {
  resnet20: {
    name: "resnet20",
    title: "ResNet-20, CIFAR-10 (4,000 training images)",
    path: model("cifar-resnet20.onnx"),
    data: cifar,
    finetune: { ...residual, epochs: 6 },
  },
  resnet56: {
    name: "resnet56",
    title: "ResNet-56, CIFAR-10 (4,000 training images)",
    path: model("cifar-resnet56.onnx"),
    data: cifar,
    finetune: { ...residual, epochs: 6 },
  },
  mnist: {
    name: "mnist",
    title: "MNIST CNN (30,000 training images)",
    path: model("mnist-cnn.onnx"),
    data: parts(specOf("mnist-cnn"), 0.2),
    finetune: { batch: 64, epochs: 3, lr: 0.001, optimizer: "adam", lastBatch: "drop" },
  },
  agnews: {
    name: "agnews",
    title: "transformer text classifier, AG News (10,001 training texts)",
    path: model("agnews-transformer/model.onnx"),
    data: { ...parts(specOf("agnews-transformer"), 0.1), pad: true } as DatasetSpec,
    finetune: { batch: 32, epochs: 2, lr: 0.0002, optimizer: "adam", warmup: 50, lastBatch: "drop" },
  },
  squeezenet: {
    name: "squeezenet",
    title: "SqueezeNet 1.1, 400 images of ImageNet",
    path: model("squeezenet1.1.onnx"),
    data: specOf("squeezenet1.1"),
    finetune: undefined,
  },
  keywords: {
    name: "keywords",
    title: "DS-CNN, 800 keywords",
    path: model("keywords-ds-cnn.onnx"),
    data: specOf("keywords-ds-cnn"),
    finetune: undefined,
  },
} as const satisfies Record<string, Subject>;
