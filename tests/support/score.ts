// Scores a model file on a dataset with the runtime alone: what proves readers and metrics, apart from `measure`.

import { readFile } from "node:fs/promises";
import type { DataServices, DatasetSpec } from "../../src/data/index.js";
import { openDataset } from "../../src/data/index.js";
import { load } from "../../src/load.js";
import { type AccuracyResult, type AccuracyRun, accuracyMetric } from "../../src/metrics/accuracy/index.js";
import { list, open } from "../../src/platform/node/files.js";
import { decodeImage } from "../../src/platform/node/image.js";
import { importModule } from "../../src/platform/node/machine.js";
import { runtime } from "../../src/platform/node/runtime.js";

export const dataServices: DataServices = { open, list, decodeImage, importModule };

/** The score over the first `limit` samples of the dataset's order (default: all), by the metric its labels ask for. */
export async function score(model: string, spec: string | DatasetSpec, limit = Infinity) {
  const dataset = await openDataset(spec, await load(model), dataServices);
  const session = await (await runtime()).createSession({ bytes: await readFile(model) }, { threads: 1 });
  let run: AccuracyRun | undefined;
  let name: string | undefined;
  for await (const sample of dataset.samples({ limit })) {
    const outputs = await session.run(sample.feeds);
    if (!run) {
      const metric = accuracyMetric(dataset.metric, outputs, sample);
      name = metric?.name;
      run = metric?.start();
    }
    run?.add(outputs, sample);
  }
  await session.release();
  const none: AccuracyResult = { value: Number.NaN, samples: 0 };
  return { dataset, metric: name, ...(run?.result() ?? none) };
}
