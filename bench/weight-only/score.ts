// Parts of a dataset, and the score of a model on them: the same samples and tokens for all.

import { createRequire } from "node:module";
import type { Dataset, Sample } from "../../src/data/dataset.js";
import type { Numbers } from "../../src/tensor/value.js";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof import("onnxruntime-node");

export interface Part {
  readonly samples: readonly Sample[];
}

/** `skip` samples of a part are left out, then `take` are read. */
export async function partOf(data: Dataset, split: "calibrate" | "measure", skip: number, take: number): Promise<Part> {
  const samples: Sample[] = [];
  let at = 0;
  for await (const sample of data.split(split).samples({ limit: skip + take })) if (at++ >= skip) samples.push(sample);
  return { samples };
}

/** perplexity: of the next token in each document; accuracy: share of samples whose largest output is the label. */
export interface Score {
  readonly value: number;
  readonly count: number;
}

export async function scoreOf(file: string, { samples }: Part, metric: "perplexity" | "accuracy"): Promise<Score> {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 2 });
  let [sum, count] = [0, 0];
  try {
    for (const { feeds, label } of samples) {
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, value]) => [
          name,
          new ort.Tensor(value.dtype as "int64", value.data as BigInt64Array, value.dims),
        ]),
      );
      const results = await session.run(inputs);
      const [logits] = Object.values(results);
      const data = logits!.data as Float32Array;
      const width = logits!.dims.at(-1)!;
      if (metric === "perplexity") {
        const ids = Object.values(feeds)[0]!.data as Numbers;
        for (let at = 0; at + 1 < ids.length; at++) {
          sum += surprise(data.subarray(at * width, (at + 1) * width), Number(ids[at + 1]));
          count++;
        }
      } else {
        sum += data.indexOf(Math.max(...data)) === label ? 1 : 0;
        count++;
      }
    }
  } finally {
    await session.release();
  }
  return { value: metric === "perplexity" ? Math.exp(sum / count) : sum / count, count };
}

function surprise(logits: Float32Array, next: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of logits) if (value > most) most = value;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return Math.log(sum) + most - logits[next]!;
}
