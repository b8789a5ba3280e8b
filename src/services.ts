// What the verbs hand down: the platform's engine, workers and temporary files, each made at first use, and the data.

import { platform } from "#platform";
import type { Context } from "./base/context.js";
import type { Note } from "./base/note.js";
import type { Dataset } from "./data/dataset.js";
import { type DatasetSpec, openDataset } from "./data/index.js";
import { synthetic } from "./data/synthetic.js";
import type { TemporaryFolder } from "./engine/runtime.js";
import type { Model } from "./ir/model.js";
import type { KernelPool } from "./kernels/pool.js";
import type { StepContext } from "./step/step.js";
import { targets } from "./targets/index.js";

/** What every verb that runs a model accepts. */
export interface ServiceOptions extends Context {
  /** What to observe, calibrate and measure on: a dataset.json, folder, file or module, or a Dataset. Default: synthetic. */
  readonly data?: string | DatasetSpec | Dataset | undefined;
  /** Where the model will run: "any" (default), "node", "wasm", "webgpu". */
  readonly target?: string | undefined;
  /** Sizes of symbolic dimensions by name, and shapes of inputs by input name. */
  readonly dims?: Readonly<Record<string, number | readonly number[]>> | undefined;
}

export interface Services extends StepContext {
  readonly notes: readonly Note[];
  /** Stops the workers and removes the temporary files. */
  dispose(): Promise<void>;
}

export async function openServices(model: Model, options: ServiceOptions = {}): Promise<Services> {
  const target = targets.get(options.target ?? "any");
  let pool: Promise<KernelPool> | undefined;
  let folder: Promise<TemporaryFolder> | undefined;
  const data = await openData(model, options);
  return {
    ...options,
    seed: options.seed ?? 0,
    target,
    dims: options.dims ?? {},
    data,
    notes: [],
    runtime: () => platform.runtime(),
    kernels: () => {
      pool ??= platform.kernels(options.threads);
      return pool;
    },
    temporary: () => {
      folder ??= platform.temporary();
      return folder;
    },
    async dispose() {
      await (await pool)?.dispose();
      await (await folder)?.dispose();
    },
  };
}

/** Runs `work` with services that are disposed of whatever happens. */
export async function withServices<T>(
  model: Model,
  options: ServiceOptions,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const services = await openServices(model, options);
  try {
    return await work(services);
  } finally {
    await services.dispose();
  }
}

async function openData(model: Model, options: ServiceOptions): Promise<Dataset> {
  const { data } = options;
  if (data === undefined) {
    return synthetic(model, { dims: options.dims ?? {}, seed: options.seed ?? 0 });
  }
  if (typeof data === "object" && "samples" in data) return data;
  const { signal, seed } = options;
  return openDataset(data, model, { ...platform, signal, seed });
}
