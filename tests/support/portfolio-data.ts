// How each portfolio model is fed and scored, as datasets: the portfolio's MANIFEST.md in the form that pare reads.

import { basename, dirname } from "node:path";
import type { DatasetSpec } from "../../src/data/index.js";
import { portfolio } from "./portfolio.js";

export interface PortfolioData {
  readonly spec: DatasetSpec;
  /** The MANIFEST's score of the float model on all samples, as it is printed there (so to half of its last digit). */
  readonly baseline?: number;
}

/** The dataset for a model of the portfolio by its path; undefined for those without data, and without a portfolio. */
export const portfolioData = (model: string): DatasetSpec | undefined => portfolioDatasets()[keyOf(model)]?.spec;

/** `agnews-transformer/model.onnx` is called by its folder, others by their file. */
export const keyOf = (model: string): string =>
  basename(model) === "model.onnx" ? basename(dirname(model)) : basename(model).replace(/\.onnx$/, "");

/** All of them by the model's name. */
export function portfolioDatasets(): Readonly<Record<string, PortfolioData>> {
  const root = portfolio();
  if (root === undefined) return {};
  const data = (path: string) => `${root}/data/${path}`;
  const models = (path: string) => `${root}/models/${path}`;

  const cifar = (image: object): DatasetSpec => ({
    reader: "raw",
    name: "cifar10-lossless-200",
    files: data("cifar10-lossless-200/samples.bin"),
    dtype: "uint8",
    shape: [32, 32, 3],
    image,
    labels: { from: "table", file: data("cifar10-lossless-200/labels.csv") },
    split: {
      train: {
        reader: "sprites",
        files: data("cifar10-train-4000/*.png"),
        rows: 1000,
        height: 32,
        width: 32,
        image,
        labels: { from: "file", file: data("cifar10-train-4000/cifar10_first4000_labels.u8") },
      },
    },
  });
  const mnist: DatasetSpec = {
    reader: "idx",
    name: "mnist test",
    files: data("mnist/t10k-images-idx3-ubyte.gz"),
    image: { preset: "raw" },
    labels: { from: "file", file: data("mnist/t10k-labels-idx1-ubyte.gz") },
    split: {
      train: {
        reader: "sprites",
        files: data("mnist/*.png"),
        rows: 3000,
        height: 28,
        width: 28,
        image: { preset: "raw" },
        labels: { from: "file", file: data("mnist/train-labels-idx1-ubyte.gz") },
      },
    },
  };
  const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  return {
    "squeezenet1.1": {
      spec: {
        reader: "images",
        name: "imagenet-500",
        files: data("imagenet-500/*.webp"),
        image: { fit: "squash", range: "0..255", order: "bgr", mean: [104, 117, 123] },
        labels: { from: "name", pattern: "^(n\\d+)", classes: data("imagenet-500/wnids.txt") },
        split: { calibrate: 0.2, measure: 0.8 },
      },
      baseline: 0.624,
    },
    "cifar-resnet20": { spec: cifar(imagenet), baseline: 0.9 },
    "cifar-resnet56": { spec: cifar(imagenet), baseline: 0.91 },
    "cifar-resnet8": { spec: cifar({ preset: "raw" }), baseline: 0.855 },
    "keywords-ds-cnn": {
      spec: {
        reader: "raw",
        name: "keywords-1000",
        files: data("keywords-1000/samples.bin"),
        dtype: "int8",
        shape: [1, 49, 10],
        zero: 83,
        scale: 0.5847029,
        labels: { from: "table", file: data("keywords-1000/labels.csv") },
        split: { calibrate: 0.2, measure: 0.8 },
      },
      baseline: 0.913,
    },
    "person-mobilenet-v1": {
      spec: {
        reader: "images",
        name: "person-1000",
        files: data("person-1000/*.webp"),
        image: { preset: "unit" },
        labels: { from: "table", file: data("person-1000/labels.csv") },
        split: { calibrate: 0.2, measure: 0.8 },
      },
      baseline: 0.853,
    },
    "mnist-cnn": { spec: mnist, baseline: 0.9904 },
    "mnist-cntk": { spec: mnist, baseline: 0.9891 },
    "agnews-transformer": {
      spec: {
        reader: "text",
        name: "agnews test",
        files: data("agnews/test.tsv"),
        tokenizer: {
          type: "vocabulary",
          file: models("agnews-transformer/vocab.json"),
          split: "[a-z]+|[0-9]+|[^\\sa-z0-9]",
          lowercase: true,
          unknown: 1,
          prefix: [2],
        },
        length: 65,
        labels: { from: "column", column: -1, classes: ["World", "Sports", "Business", "Sci/Tech"] },
        split: { train: { files: data("agnews/dev.tsv") } },
      },
      baseline: 0.8632,
    },
    stories260k: {
      spec: {
        reader: "language",
        name: "tinystories",
        files: data("tinystories/tinystories_val_1000.txt"),
        separator: "\\n\\s*\\n(?=Once upon a time|One day)",
        tokenizer: models("stories260k/tok512.bin"),
        length: 512,
        split: { calibrate: 0.2, measure: 0.8 },
      },
      baseline: 3.76,
    },
    "silero-vad-16k": {
      spec: {
        reader: "audio",
        name: "spoken-digits-200",
        files: data("spoken-digits-200"),
        rate: 16000,
        length: 576,
        windows: 4,
        inputs: { state: { constant: 0 }, sr: { constant: 16000 } },
        split: { calibrate: 0.2, measure: 0.8 },
      },
    },
    "superres-espcn": {
      spec: {
        reader: "images",
        name: "imagenet-500 grey",
        files: data("imagenet-500/*.webp"),
        image: { preset: "unit", fit: "crop", shortest: 224 },
        count: 100,
      },
    },
  };
}

/** SST-2, which no portfolio model is for yet: the form of a table with a header, and one file for each part. */
export function sst2(tokenizer: unknown): DatasetSpec | undefined {
  const root = portfolio();
  return root === undefined
    ? undefined
    : {
        reader: "text",
        name: "sst2 test",
        files: `${root}/data/sst2/test.tsv`,
        text: "sentence",
        tokenizer,
        labels: { from: "column", column: "label" },
        split: {
          train: { files: `${root}/data/sst2/train.tsv` },
          calibrate: { files: `${root}/data/sst2/dev.tsv` },
        },
      };
}
