// The models of the proof, and which samples of their data serve what.

import type { DatasetSpec } from "../../src/index.js";
import { portfolio, portfolioModels } from "../../tests/support/portfolio.js";
import { keyOf, portfolioDatasets } from "../../tests/support/portfolio-data.js";
import type { Part } from "./dump.js";

/** A sample serves one purpose: calibration, choosing among settings, or the figures of the table. */
export type Purpose = "calibrate" | "choose" | "measure";

export interface Subject {
  readonly name: string;
  readonly path: string;
  readonly metric: "top-1" | "perplexity";
  /** Convolutions that see one channel each: the hardest for one scale a tensor. */
  readonly depthwise: boolean;
  readonly convolutional: boolean;
  readonly parts: Readonly<Record<Purpose, readonly Part[]>>;
}

/** Samples of calibration, where there are so many. */
export const CALIBRATE = 128;
const CHOOSE = 1000;
/** A story is hundreds of tokens. */
const OF_DOCUMENTS = 0.2;

export function subjects(limit: number): Subject[] {
  const datasets = portfolioDatasets();
  return portfolioModels().flatMap((path): Subject[] => {
    const name = keyOf(path);
    const known = datasets[name];
    if (known?.baseline === undefined) return [];
    const { spec } = known;
    const language = spec.reader === "language";
    const share = (count: number) => (language ? Math.ceil(count * OF_DOCUMENTS) : count);
    const all: Part = { data: spec, split: "measure", limit: share(limit) };
    const measure = name.startsWith("cifar") ? [all, { data: jpeg(spec), split: "measure" as const, limit }] : [all];
    // Where no labelled samples are left for choosing, the fidelity of outputs on samples of calibration tells.
    const train = typeof spec.split?.train === "object";
    return [
      {
        name,
        path,
        metric: language ? "perplexity" : "top-1",
        depthwise: /ds-cnn|mobilenet/.test(name),
        convolutional: !language && spec.reader !== "text",
        parts: {
          calibrate: [{ data: spec, split: "calibrate", limit: CALIBRATE }],
          choose: [{ data: spec, split: train ? "train" : "calibrate", limit: share(CHOOSE) }],
          measure,
        },
      },
    ];
  });
}

/** 200 lossless test images tell little: 2000 more, whose JPEG artefacts cost every model the same ten points. */
function jpeg(lossless: DatasetSpec): DatasetSpec {
  return {
    reader: "images",
    name: "cifar10-test-jpeg",
    files: `${portfolio()}/data/cifar10-test-jpeg`,
    image: lossless.image,
    labels: { from: "folder" },
    split: { measure: 1 },
  };
}
