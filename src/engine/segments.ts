// A model too large for memory, run in consecutive pieces of its graph: each piece holds only its own weights, and the
// values that cross a cut are carried from one to the next.

import { unsupported } from "../base/errors.js";
import type { Graph, Initializer, Model, Node, ValueInfo } from "../ir/model.js";
import { topological, uses } from "../ir/traverse.js";
import type { Feeds, Value } from "../tensor/value.js";
import { adaptFeeds } from "./feeds.js";
import type { SessionOptions } from "./runtime.js";
import { type EngineServices, withSession } from "./session.js";
import { initializerBytes, nodeBytes } from "./weight-bytes.js";

export interface SegmentOptions {
  /** Bytes of weights in one segment at most; a single node may exceed it. */
  readonly budget: number;
  readonly session?: SessionOptions | undefined;
}

export interface Segment {
  readonly nodes: readonly Node[];
  /** Names that it takes: inputs of the graph and values of earlier segments. */
  readonly inputs: readonly string[];
  /** Names that later segments or the caller need. */
  readonly outputs: readonly string[];
  readonly weightBytes: number;
}

/**
 * Cuts the top-level graph where a segment's weights would pass the budget; among the last places before it, where the
 * fewest values cross. A node that unpacks weights (no input of the graph reaches it) moves to the segment of its first
 * user, so that weights are not carried.
 */
export function segments(graph: Graph, wanted: readonly string[], budget: number): Segment[] {
  const nodes = inUseOrder(graph, wanted);
  const runs: Node[][] = [];
  let current: Node[] = [];
  let held = new Set<string>();
  let bytes = 0;
  const weigh = (node: Node) => {
    let more = nodeBytes(node);
    for (const name of uses(node)) {
      const weight = graph.initializers.get(name);
      if (weight !== undefined && !held.has(name)) more += initializerBytes(weight);
    }
    return more;
  };
  const take = (node: Node) => {
    bytes += weigh(node);
    for (const name of uses(node)) if (graph.initializers.has(name)) held.add(name);
    current.push(node);
  };
  const close = (cut: number) => {
    runs.push(current.slice(0, cut));
    const moved = current.slice(cut);
    current = [];
    held = new Set();
    bytes = 0;
    for (const one of moved) take(one);
  };
  for (const node of nodes) {
    const full = () => current.length > 0 && bytes + weigh(node) > budget;
    if (full()) close(bestCut(current, nodes, runs.flat().length, wanted));
    // What moved over may itself leave no room.
    if (full()) close(current.length);
    take(node);
  }
  if (current.length > 0) runs.push(current);
  return describe(graph, runs, wanted);
}

/**
 * The wanted outputs for each of the feeds. Segments run one after the other, each over all feeds; what crosses a cut is
 * held in memory. Throws what the runtime throws, and `unsupported("engine-segment")` when a value that crosses is not a
 * tensor that JavaScript can carry.
 */
export async function runInSegments(
  model: Model,
  feeds: readonly Feeds[],
  wanted: readonly string[],
  services: EngineServices,
  options: SegmentOptions,
): Promise<Record<string, Value>[]> {
  const parts = segments(model.graph, wanted, options.budget);
  const constant = await constants(model, wanted, services);
  const alive = feeds.map((feed) => new Map<string, Value>([...Object.entries(feed), ...Object.entries(constant)]));
  for (const [index, part] of parts.entries()) {
    services.signal?.throwIfAborted();
    services.onProgress?.({ task: "run in segments", done: index, total: parts.length });
    await runSegment(model, part, alive, services, options.session ?? {});
    const needed = new Set([...wanted, ...parts.slice(index + 1).flatMap(({ inputs }) => inputs)]);
    for (const values of alive) for (const name of [...values.keys()]) if (!needed.has(name)) values.delete(name);
  }
  return alive.map((values) => Object.fromEntries(wanted.map((name) => [name, values.get(name)!])));
}

/** Outputs that are initializers themselves: no segment makes them. */
async function constants(model: Model, wanted: readonly string[], services: EngineServices) {
  const { graph } = model;
  const names = wanted.filter((name) => graph.initializers.has(name) && !graph.inputs.some((one) => one.name === name));
  if (names.length === 0) return {};
  const part: Segment = { nodes: [], inputs: [], outputs: names, weightBytes: 0 };
  const alone = segmentGraph(graph, part, new Map());
  const initializers = new Map(names.map((name) => [name, graph.initializers.get(name)!]));
  const plain = { ...model, irVersion: Math.max(4, model.irVersion), graph: { ...alone, initializers } };
  return withSession(plain, services, {}, (session) => session.run({}));
}

async function runSegment(
  model: Model,
  part: Segment,
  alive: readonly Map<string, Value>[],
  services: EngineServices,
  session: SessionOptions,
): Promise<void> {
  const first = alive[0];
  if (first === undefined || part.outputs.length === 0) return;
  const graph = segmentGraph(model.graph, part, first);
  // From IR version 4 on, initializers need not be inputs too.
  await withSession({ ...model, irVersion: Math.max(4, model.irVersion), graph }, services, session, async (opened) => {
    const foreign = opened.outputs.find(({ dtype }) => dtype === undefined);
    if (foreign !== undefined) {
      throw unsupported(
        "engine-segment",
        `The value "${foreign.name}" is not a tensor: the graph cannot be cut there.`,
        {
          node: foreign.name,
        },
      );
    }
    for (const values of alive) {
      const results = await opened.run(adaptFeeds(Object.fromEntries(values), opened.inputs));
      for (const name of part.outputs) values.set(name, results[name]!);
    }
  });
}

function segmentGraph(graph: Graph, part: Segment, values: ReadonlyMap<string, Value>): Graph {
  const initializers = new Map<string, Initializer>();
  for (const node of part.nodes) {
    for (const name of uses(node)) {
      const weight = graph.initializers.get(name);
      if (weight !== undefined) initializers.set(name, weight);
    }
  }
  const given = new Map(graph.inputs.map((input) => [input.name, input]));
  const inputs = part.inputs.map((name): ValueInfo => {
    const original = given.get(name);
    if (original !== undefined) return original;
    const value = values.get(name)!;
    // Sizes may differ between samples (an empty cache, another length): only the rank is fixed.
    return { name, type: { kind: "tensor", dtype: value.dtype, shape: value.dims.map(() => null) } };
  });
  const { rest: _rest, ...plain } = graph;
  return {
    ...plain,
    inputs,
    outputs: part.outputs.map((name) => ({ name })),
    initializers,
    nodes: part.nodes,
    valueInfo: new Map(),
  };
}

/** Nodes that the wanted values need, in execution order, weight unpacking moved next to its first user. */
function inUseOrder(graph: Graph, wanted: readonly string[]): Node[] {
  const ordered = topological(graph);
  const active = new Set(graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map(({ name }) => name));
  const maker = new Map<string, Node>();
  const lazy = new Set<Node>();
  for (const node of ordered) {
    const reached = [...uses(node)].some((name) => active.has(name));
    if (!reached) lazy.add(node);
    for (const name of node.outputs) {
      maker.set(name, node);
      if (reached) active.add(name);
    }
  }
  const needed = new Set<Node>();
  const pending = wanted.flatMap((name) => maker.get(name) ?? []);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    for (const name of uses(node)) {
      const source = maker.get(name);
      if (source !== undefined) pending.push(source);
    }
  }
  const placed = new Set<Node>();
  const result: Node[] = [];
  const place = (root: Node) => {
    // Depth first without recursion: a node is placed once all that it needs is.
    const stack = [root];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      const waiting = [...uses(node)].flatMap((name) => maker.get(name) ?? []).filter((one) => !placed.has(one));
      if (waiting.length > 0) stack.push(...waiting);
      else {
        stack.pop();
        if (placed.has(node)) continue;
        placed.add(node);
        result.push(node);
      }
    }
  };
  for (const node of ordered) if (needed.has(node) && !lazy.has(node)) place(node);
  for (const node of ordered) if (needed.has(node) && !placed.has(node)) place(node);
  return result;
}

/** How many of `current` to keep: the place in its last quarter that the fewest values cross. */
function bestCut(current: readonly Node[], all: readonly Node[], before: number, wanted: readonly string[]): number {
  const from = Math.max(1, Math.floor(current.length * 0.75));
  const usedLater = new Set(wanted);
  for (const node of all.slice(before + current.length)) for (const name of uses(node)) usedLater.add(name);
  let best = current.length;
  let fewest = Number.POSITIVE_INFINITY;
  for (let cut = current.length; cut >= from; cut--) {
    const made = new Set(current.slice(0, cut).flatMap(({ outputs }) => outputs));
    let crossing = 0;
    for (const name of made) if (usedLater.has(name)) crossing++;
    if (crossing < fewest) {
      fewest = crossing;
      best = cut;
    }
    const next = current[cut - 1];
    if (next !== undefined) for (const name of uses(next)) usedLater.add(name);
  }
  return best;
}

function describe(graph: Graph, runs: readonly (readonly Node[])[], wanted: readonly string[]): Segment[] {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const neededLater = new Set(wanted);
  const found: Segment[] = [];
  for (const nodes of [...runs].reverse()) {
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const outputs = [...made].filter((name) => name !== "" && neededLater.has(name));
    const taken = new Set<string>();
    const weights = new Set<string>();
    for (const node of nodes) {
      for (const name of uses(node)) {
        if (made.has(name)) continue;
        if (graph.initializers.has(name)) weights.add(name);
        else taken.add(name);
      }
    }
    for (const name of taken) if (!inputs.has(name)) neededLater.add(name);
    let bytes = nodes.reduce((sum, node) => sum + nodeBytes(node), 0);
    for (const name of weights) bytes += initializerBytes(graph.initializers.get(name)!);
    found.push({ nodes, inputs: [...taken], outputs, weightBytes: bytes });
  }
  return found.reverse();
}
