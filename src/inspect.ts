// inspect: what is in a model, and what pare can do with each node of it. By default it reads no weight and runs nothing.

import { describeError, invalid } from "./base/errors.js";
import { info, type Note, warning } from "./base/note.js";
import type { Dataset } from "./data/dataset.js";
import { syntheticFeeds } from "./data/synthetic.js";
import type { Binding } from "./engine/dims.js";
import { type Observation, observe } from "./engine/observe.js";
import { SESSION_FACTOR, weightBytes } from "./engine/weight-bytes.js";
import { estimate } from "./hardware/estimate.js";
import { type Device, hardware } from "./hardware/index.js";
import { graphWork, storedAs } from "./hardware/work.js";
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
import { countParameters } from "./metrics/weights.js";
import { statedShapes, workOf } from "./metrics/work.js";
import type { Shapes } from "./ops/index.js";
import { groupChannels } from "./prune/group/group-channels.js";
import { summarise } from "./prune/group/print.js";
import { abilities } from "./quantize/abilities.js";
import { type ServiceOptions, withServices } from "./services.js";
import { targets } from "./targets/index.js";
import { random } from "./tensor/random.js";
import type { Feeds } from "./tensor/value.js";

export type { Inspection } from "./metrics/inspection.js";

export interface InspectOptions extends ServiceOptions {
  /** Read the weights once (to find equal ones) and run the model once (activations, MACs). */
  readonly deep?: boolean | undefined;
  /** Find what channels are coupled and can be removed together: the model is run once, weights are not read. */
  readonly groups?: boolean | undefined;
  /**
   * Devices to estimate latency, energy and cost for ("a100", "cortex-m7" ...; "all" for each of them), from their peak
   * figures. The model is run once here when the file does not state the shapes that this needs.
   */
  readonly hardware?: string | readonly string[] | undefined;
}

const LISTED = 20;

/**
 * Throws PareError when the model cannot be loaded, and `invalid("hardware-unknown")`. What a deep inspection cannot
 * observe is null, with a note.
 */
export async function inspect(input: Model | string, options: InspectOptions = {}): Promise<Inspection> {
  const devices = devicesOf(options.hardware);
  const model = typeof input === "string" ? await load(input, options) : input;
  const target = targets.get(options.target ?? "any");
  const all = constants(model);
  const notes: Note[] = [];
  const stated = statedShapes(model.graph);
  const run = options.deep === true || (devices.length > 0 && graphWork(model, stated).uncounted > 0);
  const seen = run ? await observed(model, options, notes) : undefined;
  const shapes = seen?.values ?? stated;
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
  const parameters = countParameters(all);
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
      parameters,
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
    estimate: estimated(model, shapes, devices, parameters, seen, notes),
    groups: options.groups ? await channelGroups(model, options, notes) : null,
    target: target.name,
    nodes,
    notes,
  };
}

function devicesOf(names: InspectOptions["hardware"] = []): readonly Device[] {
  const list = typeof names === "string" ? [names] : names;
  return [...new Set(list.flatMap((name) => (name === "all" ? hardware.list : [hardware.get(name)])))];
}

/** Null when no device was asked for, or nothing is known of the work; a note then says what is missing. */
function estimated(
  model: Model,
  shapes: Shapes,
  devices: readonly Device[],
  parameters: number,
  seen: Observation | undefined,
  notes: Note[],
): Inspection["estimate"] {
  if (devices.length === 0) return null;
  const work = graphWork(model, shapes);
  if (work.layers.length > 0) {
    // Most activations are float32 as the model runs here.
    const peakActivations = seen === undefined ? undefined : seen.peakActivationBytes / 4;
    return estimate(work, devices, { weights: parameters, peakActivations, base: storedAs(model.graph) });
  }
  notes.push(
    work.uncounted === 0
      ? warning("estimate-no-work", "There is no estimate: no node of the main graph multiplies weights.")
      : warning(
          "estimate-shapes",
          "There is no estimate: shapes are not known. State them (--dim batch=1, --shape input=1,3,224,224), or give data.",
        ),
  );
  return null;
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

/** Null where the model cannot be run; the notes then say why. */
async function channelGroups(model: Model, options: InspectOptions, notes: Note[]): Promise<Inspection["groups"]> {
  try {
    return await withServices(model, options, async (services) => {
      const feeds = options.data === undefined ? {} : { feeds: await firstFeeds(services.data) };
      const grouping = await groupChannels(model, services, { dims: services.dims, ...feeds });
      notes.push(...grouping.notes);
      return summarise(grouping);
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    notes.push(
      warning("groups-unknown", `Channels are not known, as the model could not be run: ${describeError(error)}`),
    );
    return null;
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
