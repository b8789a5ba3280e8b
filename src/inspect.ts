// inspect: what is in a model, and what pare can do with each node of it. By default it reads no weight and runs nothing.

import { describeError, invalid } from "./base/errors.js";
import { info, type Note, warning } from "./base/note.js";
import type { Dataset } from "./data/dataset.js";
import { syntheticFeeds } from "./data/synthetic.js";
import type { Binding } from "./engine/dims.js";
import { type Observation, observe } from "./engine/observe.js";
import { SESSION_FACTOR, weightBytes } from "./engine/weight-bytes.js";
import type { Model } from "./ir/model.js";
import { everyGraph } from "./ir/traverse.js";
import { load } from "./load.js";
import { type Constant, constants } from "./metrics/constants.js";
import { equalWeights } from "./metrics/equal-weights.js";
import type { Inspection } from "./metrics/inspection.js";
import {
  dtypeSummaries,
  nodeSummaries,
  operatorSummaries,
  portSummary,
  sharedWeights,
  weightSummary,
} from "./metrics/node-summary.js";
import { isWeight, weightElements } from "./metrics/weights.js";
import { statedShapes, workOf } from "./metrics/work.js";
import { abilities } from "./quantize/abilities.js";
import { type ServiceOptions, withServices } from "./services.js";
import { targets } from "./targets/index.js";
import { random } from "./tensor/random.js";
import type { Feeds } from "./tensor/value.js";

export type { Inspection } from "./metrics/inspection.js";

export interface InspectOptions extends ServiceOptions {
  /** Read the weights once (to find equal ones) and run the model once (activations, MACs). */
  readonly deep?: boolean | undefined;
}

const LISTED = 20;

/** Throws PareError when the model cannot be loaded. What a deep inspection cannot observe is null, with a note. */
export async function inspect(input: Model | string, options: InspectOptions = {}): Promise<Inspection> {
  const model = typeof input === "string" ? await load(input, options) : input;
  const target = targets.get(options.target ?? "any");
  const all = constants(model);
  const notes: Note[] = [];
  const seen = options.deep ? await observed(model, options, notes) : undefined;
  const shapes = seen?.values ?? statedShapes(model.graph);
  const work = workOf(model, shapes);
  // Shapes that the file states give the work only when they give all of it.
  const macs = seen || work.uncounted === 0 ? work.macs : null;
  if (seen && work.uncounted > 0) {
    notes.push(
      info(
        "macs-partial",
        `${work.uncounted} nodes that multiply are not in the count: their shapes are not observed.`,
      ),
    );
  }
  const nodes = nodeSummaries(model, macs === null ? new Map() : work.byNode, shapes, await abilities(model, target));
  return {
    path: model.origin?.name ?? "model",
    bytes: model.origin?.bytes ?? 0,
    producer: { name: model.producerName, version: model.producerVersion },
    graph: model.graph.name,
    irVersion: model.irVersion,
    opsets: Object.fromEntries(
      [...model.opsets].map(([domain, version]) => [domain === "" ? "ai.onnx" : domain, version]),
    ),
    metadata: Object.fromEntries(model.metadata),
    inputs: model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name)).map(portSummary),
    outputs: model.graph.outputs.map(portSummary),
    counts: {
      nodes: nodes.length,
      subgraphs: [...everyGraph(model)].length - 1,
      functions: model.functions.length,
      constants: all.length,
      parameters: all.filter(isWeight).reduce((sum, weight) => sum + weightElements(weight), 0),
      weightBytes: all.reduce((sum, constant) => sum + constant.bytes, 0),
    },
    operators: operatorSummaries(nodes),
    dtypes: dtypeSummaries(all),
    largest: [...all]
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, LISTED)
      .map(weightSummary),
    shared: sharedWeights(all, LISTED),
    equal: options.deep ? await equal(all, options) : null,
    macs,
    peakActivationBytes: seen?.peakActivationBytes ?? null,
    observed: seen ? Object.fromEntries(Object.entries(seen.feeds).map(([name, value]) => [name, value.dims])) : null,
    target: target.name,
    nodes,
    notes,
  };
}

/** Undefined where the model cannot be run; the notes then say why. */
async function observed(model: Model, options: InspectOptions, notes: Note[]): Promise<Observation | undefined> {
  try {
    return await withServices(model, options, async (services) => {
      if (weightBytes(model.graph) * SESSION_FACTOR > (services.memory ?? Number.POSITIVE_INFINITY)) {
        notes.push(warning("not-observed", "The model was not run: it does not fit in the memory that may be used."));
        return undefined;
      }
      const { dims } = services;
      // Given data tell the shapes themselves; without any, the sizes are guessed and tried.
      const from =
        options.data === undefined
          ? { makeFeeds: (binding: Binding) => syntheticFeeds(model, binding, random(options.seed ?? 0)) }
          : { feeds: await firstFeeds(services.data) };
      const seen = await observe(model, { dims, ...from }, services);
      notes.push(...seen.notes);
      return seen;
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    notes.push(warning("not-observed", `The model could not be run: ${describeError(error)}`));
    return undefined;
  }
}

async function firstFeeds(data: Dataset): Promise<Feeds> {
  for await (const { feeds } of data.samples({ limit: 1 })) return feeds;
  throw invalid("data-empty", `There is no sample to observe on in ${data.name}.`);
}

async function equal(all: readonly Constant[], options: InspectOptions): Promise<Inspection["equal"]> {
  const total = all.reduce((sum, constant) => sum + constant.bytes, 0);
  let done = 0;
  const groups = await equalWeights(
    all,
    (bytes) => {
      done += bytes;
      options.onProgress?.({ task: "hash weights", done, total });
    },
    options.signal,
  );
  return groups
    .map((group) => ({
      names: group.map(({ scope, name }) => (scope === "" ? name : `${scope}/${name}`)),
      bytes: group[0]!.bytes,
      wasted: group[0]!.bytes * (group.length - 1),
    }))
    .sort((a, b) => b.wasted - a.wasted);
}
