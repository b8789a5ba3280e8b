// The graph that groups speak of, and what is known of its values before any rule is asked.

import { info, type Note } from "../../base/note.js";
import { syntheticFeeds } from "../../data/synthetic.js";
import { capture } from "../../engine/capture.js";
import type { StatedDims } from "../../engine/dims.js";
import { type Observation, observe } from "../../engine/observe.js";
import type { EngineServices } from "../../engine/session.js";
import type { Graph, Model } from "../../ir/model.js";
import { subgraphs, topological, uses } from "../../ir/traverse.js";
import { numbersOf } from "../../passes/constants.js";
import { elementCount } from "../../tensor/dtype.js";
import { random } from "../../tensor/random.js";
import type { Feeds } from "../../tensor/value.js";
import type { Draft } from "../../train/prepare/draft.js";
import { inlineFunctions } from "../../train/prepare/functions.js";
import { hoistConstants } from "../../train/prepare/hoist.js";
import { prepare } from "../../weights/prepare.js";
import type { Facts } from "./flows.js";

export interface GroupOptions {
  /** Sizes of free dimensions; not used with `feeds`. */
  readonly dims?: StatedDims | undefined;
  /** One sample to observe shapes on; default: synthetic. */
  readonly feeds?: Feeds | undefined;
}

/** Larger constants are no shapes or bounds. */
const SMALL = 1024;

/** Functions are inlined and constants are initializers; the shapes are those of one run. */
export async function factsOf(
  given: Model,
  { dims, feeds }: GroupOptions,
  services: EngineServices,
): Promise<Facts & { readonly notes: readonly Note[] }> {
  const model = await flattened(given);
  const notes: Note[] = [];
  if (given.functions.length > 0) {
    notes.push(info("functions-inlined", "Local functions are inlined: each call may keep other channels."));
  }
  const makeFeeds = (binding: Parameters<typeof syntheticFeeds>[1]) => syntheticFeeds(model, binding, random(0));
  const observed = await observe(model, { dims, ...(feeds ? { feeds } : { makeFeeds }) }, services);
  const shapes = new Map([...observed.values].map(([name, value]) => [name, value.dims] as const));
  const dtypes = new Map([...observed.values].map(([name, value]) => [name, value.dtype] as const));
  const numbers = new Map<string, readonly number[]>();
  for (const [name, weight] of model.graph.initializers) {
    if (elementCount(weight.dims) > SMALL || weight.dtype === "string") continue;
    const values = await numbersOf(weight);
    if (values) numbers.set(name, [...values]);
  }
  const fixed = fixedValues(model.graph);
  for (const name of numbers.keys()) if (!fixed.has(name)) numbers.delete(name);
  for (const [name, values] of await computed(model, fixed, observed, services)) numbers.set(name, values);
  return { model, dims: shapes, dtypes, feeds: observed.feeds, numbers, fixed, notes };
}

async function flattened(given: Model): Promise<Model> {
  const draft: Draft = {
    model: await prepare(given),
    origins: new Map(),
    originals: { tensors: new Map(), nodes: new Map() },
    notes: [],
  };
  inlineFunctions(draft, new Map());
  hoistConstants(draft);
  const { graph } = draft.model;
  const functions = draft.model.functions.length > 0 ? [] : draft.model.functions;
  return { ...draft.model, functions, graph: { ...graph, nodes: topological(graph) } };
}

/** Small numbers that nodes make of constants: axes and bounds behind an Unsqueeze, say. Nothing else of the graph is run. */
async function computed(
  model: Model,
  fixed: ReadonlySet<string>,
  { values, feeds }: Observation,
  services: EngineServices,
): Promise<Map<string, readonly number[]>> {
  const names = [...fixed].filter((name) => {
    const shape = values.get(name);
    if (model.graph.initializers.has(name) || shape === undefined) return false;
    return NUMBERS.has(shape.dtype) && elementCount(shape.dims) <= SMALL;
  });
  const found = new Map<string, readonly number[]>();
  if (names.length === 0) return found;
  const once = (async function* () {
    yield feeds;
  })();
  for await (const record of capture(model, names, once, services, { values, optimize: "off" })) {
    for (const [name, { data }] of Object.entries(record)) found.set(name, Array.from(data as Float32Array, Number));
  }
  return found;
}

const NUMBERS: ReadonlySet<string> = new Set(["int64", "int32", "float32"]);

/** Values made of constants alone, by nodes that give the same every time. */
function fixedValues(graph: Graph): ReadonlySet<string> {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const fixed = new Set([...graph.initializers.keys()].filter((name) => !inputs.has(name)));
  for (const node of graph.nodes) {
    if (subgraphs(node).length > 0 || node.opType.startsWith("Random") || node.inputs.length === 0) continue;
    if ([...uses(node)].every((name) => fixed.has(name))) for (const name of node.outputs) fixed.add(name);
  }
  fixed.delete("");
  return fixed;
}
