// Inner values of a model while it runs: they become graph outputs, in batches of names whose bytes stay bounded.

import { invalid } from "../base/errors.js";
import { int } from "../ir/attributes.js";
import type { Graph, Model, Node } from "../ir/model.js";
import { everyGraph } from "../ir/traverse.js";
import { byteCount } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import { isCarried } from "./carried.js";
import { adaptFeeds } from "./feeds.js";
import { observe, type Shape } from "./observe.js";
import { type EngineServices, type OpenOptions, openSession } from "./session.js";

export interface CaptureOptions extends OpenOptions {
  /** Observed shapes of the values, when the caller has them: spares a run. */
  readonly values?: ReadonlyMap<string, Shape> | undefined;
  /** Bytes of captured values held at one time; default: a quarter of `memory`, at most 256 MiB. */
  readonly budget?: number | undefined;
}

/**
 * One record for each feed and batch of names: batch after batch, within a batch in the order of the feeds. Each name is
 * in exactly one batch, and comes once for each feed. `feeds` is iterated once per batch; an iterable that can be read
 * only once (a generator) is kept in memory when there is more than one batch.
 * Values whose type has no JavaScript tensor (bfloat16, 8-bit floats, 4-bit integers) come as float32.
 * Throws `invalid("capture-unknown")` for names that are not values of the top-level graph.
 */
export async function* capture(
  model: Model,
  names: readonly string[],
  feeds: AsyncIterable<Feeds>,
  services: EngineServices,
  options: CaptureOptions = {},
): AsyncIterable<Record<string, Value>> {
  checkNames(model, names);
  const { values: known, budget, ...session } = options;
  let source = feeds;
  let values = known;
  if (values === undefined || names.some((name) => !values?.has(name))) {
    source = await rereadable(source);
    const first = await firstOf(source);
    if (first === undefined) return;
    values = (await observe(model, { feeds: first }, services)).values;
  }
  const limit = budget ?? Math.min((services.memory ?? 2 ** 30) / 4, 256 * 2 ** 20);
  const batches = inBatches(names, values, limit);
  if (batches.length > 1) source = await rereadable(source);
  for (const batch of batches) yield* captureBatch(model, batch, values, source, services, session);
}

async function* captureBatch(
  model: Model,
  names: readonly string[],
  values: ReadonlyMap<string, Shape>,
  feeds: AsyncIterable<Feeds>,
  services: EngineServices,
  options: OpenOptions,
): AsyncIterable<Record<string, Value>> {
  const { graph, outputs } = withOutputs(model.graph, names, values);
  const session = await openSession({ ...model, graph }, services, options);
  try {
    for await (const feed of feeds) {
      services.signal?.throwIfAborted();
      const results = await session.run(adaptFeeds(feed, session.inputs));
      yield Object.fromEntries(names.map((name) => [name, results[outputs.get(name)!]!]));
    }
  } finally {
    await session.release();
  }
}

/** The graph with these values as its only outputs, their types left to the runtime to infer. */
function withOutputs(graph: Graph, names: readonly string[], values: ReadonlyMap<string, Shape>) {
  const casts: Node[] = [];
  const outputs = new Map<string, string>();
  for (const name of names) {
    const dtype = values.get(name)?.dtype;
    const carried = dtype === undefined || isCarried(dtype);
    outputs.set(name, carried ? name : `pare.captured.${name}`);
    if (!carried) casts.push(castToFloat(name, outputs.get(name)!));
  }
  const captured: Graph = {
    ...graph,
    nodes: [...graph.nodes, ...casts],
    outputs: [...outputs.values()].map((name) => ({ name })),
    valueInfo: new Map(),
  };
  return { graph: captured, outputs };
}

const castToFloat = (name: string, output: string): Node => ({
  name: output,
  opType: "Cast",
  domain: "",
  overload: "",
  inputs: [name],
  outputs: [output],
  attributes: new Map([["to", int(1)]]),
  docString: "",
  metadata: new Map(),
});

function inBatches(names: readonly string[], values: ReadonlyMap<string, Shape>, limit: number): string[][] {
  const batches: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const name of new Set(names)) {
    const shape = values.get(name);
    const size = shape === undefined || shape.dtype === "string" ? 0 : byteCount(shape.dtype, shape.dims);
    if (bytes + size > limit) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(name);
    bytes += size;
  }
  return batches;
}

function checkNames(model: Model, names: readonly string[]): void {
  const known = new Set<string>(model.graph.initializers.keys());
  for (const { name } of model.graph.inputs) known.add(name);
  for (const { outputs } of model.graph.nodes) for (const name of outputs) known.add(name);
  for (const name of names) {
    if (name !== "" && known.has(name)) continue;
    const inside = [...everyGraph(model)].some((graph) => graph.nodes.some(({ outputs }) => outputs.includes(name)));
    throw invalid("capture-unknown", `There is no value "${name}" in the top-level graph.`, {
      node: name,
      hint: inside ? "It is inside a subgraph (If, Loop, Scan): such values cannot be captured." : undefined,
    });
  }
}

async function rereadable(feeds: AsyncIterable<Feeds>): Promise<AsyncIterable<Feeds>> {
  if ((feeds[Symbol.asyncIterator]() as unknown) !== feeds) return feeds;
  const kept: Feeds[] = [];
  for await (const feed of feeds) kept.push(feed);
  return {
    async *[Symbol.asyncIterator]() {
      yield* kept;
    },
  };
}

async function firstOf(feeds: AsyncIterable<Feeds>): Promise<Feeds | undefined> {
  for await (const feed of feeds) return feed;
  return undefined;
}
