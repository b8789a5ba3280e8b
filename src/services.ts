// What the verbs hand down: the platform's engine, workers and temporary files, each made at first use, and the data.

import { platform } from "#platform";
import type { Context } from "./base/context.js";
import type { Note } from "./base/note.js";
import { calibrationFile } from "./calibration-file.js";
import type { Dataset } from "./data/dataset.js";
import { type DatasetSpec, openDataset } from "./data/index.js";
import { synthetic, syntheticFeeds } from "./data/synthetic.js";
import { type Binding, bindDims, type StatedDims } from "./engine/dims.js";
import { adaptFeeds } from "./engine/feeds.js";
import type { Provider, Runtime, TemporaryFolder } from "./engine/runtime.js";
import { type EngineServices, openSession } from "./engine/session.js";
import { settleDims } from "./engine/settle.js";
import { weightBytes } from "./engine/weight-bytes.js";
import type { Model } from "./ir/model.js";
import type { KernelPool } from "./kernels/pool.js";
import { load } from "./load.js";
import type { CalibrationStore, StepContext } from "./step/step.js";
import { targets } from "./targets/index.js";
import { random } from "./tensor/random.js";
import type { Feeds } from "./tensor/value.js";

/** What every verb that runs a model accepts. */
export interface ServiceOptions extends Context {
  /** What to observe, calibrate and measure on: a dataset.json, folder, file or module, or a Dataset. Default: synthetic. */
  readonly data?: string | DatasetSpec | Dataset | undefined;
  /** Where the model will run: "any" (default), "node", "wasm", "webgpu". */
  readonly target?: string | undefined;
  /** What runs the models; default: what the platform's runtime prefers. "wasm" in Node: as a page would run them. */
  readonly provider?: Provider | undefined;
  /** Sizes of symbolic dimensions by name, and shapes of inputs by input name. */
  readonly dims?: StatedDims | undefined;
  /**
   * Where ranges of activations are kept: a JSON file, or what reads and writes such JSON. Ranges that are there are used as
   * they stand, whatever the data; what is missing is found and added.
   */
  readonly calibration?: string | CalibrationStore | undefined;
}

export interface Services extends StepContext {
  readonly notes: readonly Note[];
  /** Removes the temporary files. The workers stay: they are idle, and hold no process up. */
  dispose(): Promise<void>;
}

/** Weights of a result are computed when `save` or the engine pulls them, after the verb is done: the workers outlive it. */
const pools = new Map<number | undefined, Promise<KernelPool>>();

function sharedPool(threads: number | undefined): Promise<KernelPool> {
  const known = pools.get(threads);
  if (known) return known;
  const made = platform.kernels(threads);
  pools.set(threads, made);
  made.catch(() => pools.delete(threads));
  return made;
}

async function openServices(model: Model, options: ServiceOptions = {}): Promise<Services> {
  const target = targets.get(options.target ?? "any");
  let folder: Promise<TemporaryFolder> | undefined;
  const notes: Note[] = [];
  const engine = {
    ...options,
    memory: options.memory ?? Math.floor(platform.freeMemory() / 2),
    runtime: async () => {
      const runtime = await runtimeFor(options.provider);
      // A runtime that was asked for is no fallback.
      const { fallback } = runtime;
      if (fallback && options.provider === undefined && !notes.includes(fallback)) notes.push(fallback);
      return runtime;
    },
    temporary: () => {
      folder ??= platform.temporary();
      return folder;
    },
  };
  const data = await openData(model, options, engine, notes);
  return {
    ...engine,
    seed: options.seed ?? 0,
    target,
    dims: options.dims ?? {},
    data,
    calibration: typeof options.calibration === "string" ? calibrationFile(options.calibration) : options.calibration,
    notes,
    original: model,
    load: (path) => load(path, options),
    resident: (source, state, initial, session) =>
      platform.resident(source, state, initial, {
        ...(options.provider === undefined ? {} : { provider: options.provider }),
        ...session,
      }),
    now: platform.now,
    kernels: () => sharedPool(options.threads),
    async dispose() {
      await (await folder)?.dispose();
    },
  };
}

/** The runtime, with the wanted provider as its default. */
async function runtimeFor(provider: Provider | undefined): Promise<Runtime> {
  const runtime = (provider === "wasm" ? await platform.wasmRuntime() : undefined) ?? (await platform.runtime());
  if (provider === undefined || provider === runtime.provider) return runtime;
  return {
    ...runtime,
    provider,
    createSession: (source, session) => runtime.createSession(source, { provider, ...session }),
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

async function openData(
  model: Model,
  options: ServiceOptions,
  engine: EngineServices,
  notes: Note[],
): Promise<Dataset> {
  const { data, signal, seed = 0, dims = {} } = options;
  if (data === undefined) return settled(model, dims, seed, engine, notes);
  if (typeof data === "object" && "samples" in data) return data;
  return openDataset(data, model, { ...platform, signal, seed });
}

/**
 * Synthetic data whose guessed sizes were tried on the model first, once, when a sample is first asked for: names and
 * operators do not always tell the size that a model takes. Guesses end up in `notes`.
 */
function settled(model: Model, dims: StatedDims, seed: number, engine: EngineServices, notes: Note[]): Dataset {
  const guess = synthetic(model, { dims, seed });
  let trial: Promise<Dataset> | undefined;
  const tried = async () => {
    const binding = await settle(model, dims, seed, engine);
    notes.push(...binding.guesses);
    return synthetic(model, { dims: { ...dims, ...changed(bindDims(model, dims), binding) }, seed });
  };
  return lazily(
    guess,
    () => {
      trial ??= tried();
      return trial;
    },
    (data) => data,
  );
}

function lazily(guess: Dataset, whole: () => Promise<Dataset>, part: (data: Dataset) => Dataset): Dataset {
  return {
    ...part(guess),
    async *samples(options) {
      yield* part(await whole()).samples(options);
    },
    split: (which) => lazily(guess, whole, (data) => part(data).split(which)),
  };
}

async function settle(model: Model, dims: StatedDims, seed: number, engine: EngineServices): Promise<Binding> {
  const first = bindDims(model, dims);
  const tooLarge = weightBytes(model.graph) * 3 > (engine.memory ?? Number.POSITIVE_INFINITY);
  if (first.guessed.size === 0 || tooLarge) return first;
  const session = await openSession(model, engine);
  try {
    const feeds = (binding: Binding) => syntheticFeeds(model, binding, random(seed));
    const run = (one: Feeds) => session.run(adaptFeeds(one, session.inputs));
    return (await settleDims(model, dims, feeds, run)).binding;
  } finally {
    await session.release();
  }
}

/** The guessed sizes that had to give way: only these are stated, so that a free cache length stays free. */
function changed(first: Binding, final: Binding): StatedDims {
  const sizes: Record<string, number> = {};
  for (const key of first.guessed.keys()) {
    if (final.guessed.has(key)) continue;
    const [, input = "", axis] = /^(.*)\[(\d+)\]$/.exec(key) ?? [];
    const size = final.sizes.get(key) ?? final.shapes.get(input)?.[Number(axis)];
    if (size !== undefined) sizes[key] = size;
  }
  return sizes;
}
