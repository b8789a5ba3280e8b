// What is trained: models, their data, and the recipe, the same for both sides.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { load } from "../../src/load.js";
import { save } from "../../src/save.js";
import { withServices } from "../../src/services.js";
import { mixed } from "../../tests/support/drawn.js";
import { portfolio } from "../../tests/support/portfolio.js";
import { portfolioDatasets } from "../../tests/support/portfolio-data.js";
import { repository } from "../measured.js";
import { SampleWriter } from "./data.js";
import { encoder } from "./encoder.js";

export interface Subject {
  readonly name: string;
  readonly title: string;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  /** BatchNormalization uses the batch's statistics. */
  readonly training: boolean;
  /** "encoder": the peer is written by hand; else it runs the file's own operators. */
  readonly kind: "onnx" | "encoder";
  /** Writes model.onnx and the samples into a folder. */
  make(folder: string): Promise<void>;
}

export interface Made {
  readonly model: string;
  readonly data: string;
}

/** The model and the data of a subject, written once. */
export async function made(subject: Subject): Promise<Made> {
  const folder = join(repository, "bench/.work/train", subject.name.replace(/-b\d+$/, ""));
  if (!existsSync(join(folder, "data.json"))) {
    mkdirSync(folder, { recursive: true });
    await subject.make(folder);
  }
  return { model: join(folder, "model.onnx"), data: folder };
}

const SIZE = { tokens: 4000, length: 128, width: 256, heads: 4, inner: 1024, layers: 4, classes: 4 };

const squeezenet: Subject = {
  name: "squeezenet",
  title: "SqueezeNet 1.1, 224 x 224",
  batch: 8,
  lr: 0.0001,
  momentum: 0.9,
  training: false,
  kind: "onnx",
  make: (folder) => fromPortfolio(folder, "squeezenet1.1", { count: 200, size: 224 }),
};

export const subjects: readonly Subject[] = [
  {
    name: "resnet20",
    title: "ResNet-20",
    batch: 64,
    lr: 0.001,
    momentum: 0.9,
    training: true,
    kind: "onnx",
    make: (folder) => fromPortfolio(folder, "cifar-resnet20", { count: 3200, part: "train" }),
  },
  squeezenet,
  {
    name: "encoder",
    title: "4-layer transformer encoder, 128 tokens",
    batch: 16,
    lr: 0.01,
    momentum: 0.9,
    training: false,
    kind: "encoder",
    make: async (folder) => {
      await save(encoder(SIZE, 1), join(folder, "model.onnx"));
      const writer = new SampleWriter(folder);
      for (let sample = 0; sample < 800; sample++) writer.add(...sentence(sample));
      writer.finish();
    },
  },
  {
    name: "ds-cnn",
    title: "keyword spotting DS-CNN",
    batch: 64,
    // Its features are up to a hundred, its first filters move far.
    lr: 0.0002,
    momentum: 0.9,
    training: true,
    kind: "onnx",
    make: (folder) => fromPortfolio(folder, "keywords-ds-cnn", { count: 1000, part: "all" }),
  },
];

/** For the memory of `--recompute`. */
export const recomputed: Subject = { ...squeezenet, name: "squeezenet-b32", batch: 32 };

/** Token ids whose range overlaps between classes: something to learn. */
function sentence(sample: number): [Record<string, { dims: number[]; data: BigInt64Array }>, number] {
  const label = mixed(sample, 7) % SIZE.classes;
  const ids = Array.from({ length: SIZE.length }, (_, at) => {
    const any = mixed(sample * SIZE.length + at, 8);
    return BigInt(any % 8 === 0 ? label * 1000 + ((any >>> 8) % 1000) : (any >>> 8) % SIZE.tokens);
  });
  return [{ ids: { dims: [1, SIZE.length], data: BigInt64Array.from(ids) } }, label];
}

interface Choice {
  readonly count: number;
  readonly part?: "train" | "all";
  /** Height and width instead of the file's. */
  readonly size?: number;
}

/** A portfolio model and samples of its dataset, in a fixed shuffled order. */
async function fromPortfolio(folder: string, name: string, { count, part, size }: Choice): Promise<void> {
  const root = portfolio();
  if (root === undefined) throw new Error("this bench needs the portfolio");
  let model = await load(join(root, "models", `${name}.onnx`));
  if (size !== undefined) {
    const inputs = model.graph.inputs.map((input) =>
      input.type?.kind === "tensor" ? { ...input, type: { ...input.type, shape: ["batch", 3, size, size] } } : input,
    );
    model = { ...model, graph: { ...model.graph, inputs, valueInfo: new Map() } };
  }
  await save(model, join(folder, "model.onnx"));
  const { spec } = portfolioDatasets()[name]!;
  const data = part === "train" ? spec : { ...spec, split: { measure: 1 } };
  await withServices(model, { data: data as typeof spec }, async (services) => {
    const samples = [];
    for await (const sample of services.data.split(part === "train" ? "train" : "measure").samples()) {
      samples.push(sample);
      if (samples.length === 4000) break;
    }
    const order = samples.map((sample, index) => ({ sample, key: mixed(index, 5) })).sort((a, b) => a.key - b.key);
    const writer = new SampleWriter(folder);
    for (const { sample } of order.slice(0, count)) {
      writer.add(sample.feeds as Parameters<SampleWriter["add"]>[0], sample.label as number);
    }
    writer.finish();
  });
}
