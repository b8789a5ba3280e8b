// From any float model and one batch of data to a graph that can be differentiated: flat, of known shapes, composite
// operators lowered, its parameters found. And the way back: the user's own file with the trained values in place.

import { invalid, PareError } from "../base/errors.js";
import { info, type Note, warning } from "../base/note.js";
import { adaptFeeds } from "../engine/feeds.js";
import { type Observation, observe } from "../engine/observe.js";
import type { EngineServices } from "../engine/session.js";
import { tensorInfo } from "../ir/build.js";
import { mapGraphsSync } from "../ir/map.js";
import { type Graph, label, type Model, type Node } from "../ir/model.js";
import { subgraphs } from "../ir/traverse.js";
import { passes } from "../passes/index.js";
import { sequence } from "../passes/pass.js";
import { upgradeOpset } from "../passes/upgrade-opset.js";
import { DTYPES } from "../tensor/dtype.js";
import { tensor } from "../tensor/tensor.js";
import type { Feeds } from "../tensor/value.js";
import { inlineBranches } from "./prepare/branches.js";
import type { Draft } from "./prepare/draft.js";
import { type Batches, freeBatch } from "./prepare/free-batch.js";
import { inlineFunctions } from "./prepare/functions.js";
import { findHeads } from "./prepare/heads.js";
import { hoistConstants, recordOrigins } from "./prepare/hoist.js";
import { lower } from "./prepare/lower.js";
import { addMasters } from "./prepare/masters.js";
import { plainFloats } from "./prepare/plain-floats.js";
import { refuseIntegers, refusePacked } from "./prepare/refuse.js";
import { restore, type Slot } from "./prepare/restore.js";
import { foldShapes, type Observed, withoutDead } from "./prepare/static-shapes.js";
import { findStatistics } from "./prepare/statistics.js";
import { timeFirst } from "./prepare/time-first.js";
import { findWeights } from "./prepare/weights.js";
import type { Prepared } from "./prepared.js";

export interface PrepareOptions {
  /** One batch: every input of the model, as long as the batches of the training will be. */
  readonly feeds: Feeds;
  /** "fold" joins each BatchNormalization with the layer before it, in the result too; default "keep". */
  readonly bn?: "keep" | "fold";
}

const OPSET = 21;
/** What "fold" does to the user's model first. */
const FOLDING = [passes.get("constant-weights"), passes.get("fold-batch-norm")];
const CLEANING = passes.get("remove-identities");
/** Branches nest at most this deep in what is inlined. */
const ROUNDS = 16;

/**
 * Throws `unsupported("integer-model" | "packed-weights" | "batch-fixed" | "opset-upgrade" | "lowering-...")`, `invalid("feed-missing" | "feed-shape")`, and the engine's
 * refusals, each naming the node and what to do.
 */
export async function prepare(model: Model, options: PrepareOptions, services: EngineServices): Promise<Prepared> {
  refuseIntegers(model);
  const folded = options.bn === "fold" ? await sequence(FOLDING, model, services) : undefined;
  const base = folded?.model ?? model;
  const draft: Draft = {
    model: base,
    origins: new Map(),
    originals: { tensors: new Map(), nodes: new Map() },
    notes: [...(folded?.notes ?? [])],
  };
  takeInputs(draft, options.feeds);
  raise(draft);
  plainFloats(draft);
  recordOrigins(draft);
  const feeds = feedsOf(draft.model, options.feeds);
  const observed = await settle(draft, feeds, services);
  const { shapes, encoders } = addMasters(draft, observed);
  const { graph } = draft.model;
  const parameters = await findWeights(draft, shapes);
  const { weights } = parameters;
  draft.notes.push(...refusePacked(parameters));
  const lowered = lower(draft.model, shapes);
  draft.notes.push(...keptBodies(graph));
  for (const [operator, count] of lowered.counts) {
    draft.notes.push(info("lowered", `${operator}: ${count} nodes are written out as plain operators.`));
  }
  const inputs = graph.inputs.map(({ name }) => name);
  const final = finished(lowered.model, lowered.shapes);
  const statistics = findStatistics(final.graph, draft);
  const slots = new Map<string, Slot>();
  for (const name of [...weights.map((one) => one.name), ...statistics.flatMap((one) => [one.mean, one.variance])]) {
    const encode = encoders.get(name);
    const slot = { origin: draft.origins.get(name)!, initial: final.graph.initializers.get(name)! };
    slots.set(name, encode === undefined ? slot : { ...slot, encode });
  }
  return {
    model: final,
    shapes: lowered.shapes,
    batch: batchOf(inputs, feeds),
    inputs,
    weights,
    statistics,
    heads: findHeads(final.graph, lowered.shapes),
    notes: draft.notes,
    restore: (values) => restore(base, slots, values),
  };
}

/** Initializers that are inputs too are constants, and so are scalar integers: no sample has its own. */
function takeInputs(draft: Draft, feeds: Feeds): void {
  const { graph } = draft.model;
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const missing = inputs.find(({ name }) => feeds[name] === undefined);
  if (missing !== undefined) {
    throw invalid("feed-missing", `The batch holds no value for input "${missing.name}".`, {
      node: missing.name,
      expected: inputs.map(({ name }) => name).join(", "),
      found: Object.keys(feeds).join(", "),
    });
  }
  draft.model = { ...draft.model, irVersion: Math.max(draft.model.irVersion, 4), graph: { ...graph, inputs } };
}

function raise(draft: Draft): void {
  const newest = Math.max(...[draft.model, ...draft.model.functions].map(({ opsets }) => opsets.get("") ?? OPSET));
  // ONNX Runtime's own operators in the default domain have one form, which no opset changes.
  const raised = upgradeOpset(inDomain(draft.model, "", RUNTIME), Math.max(OPSET, newest));
  // Its notes are not told: what is raised is the graph that trains, and the user's file stays at its opset.
  draft.model = inDomain(raised.model, RUNTIME, "");
}

const RUNTIME = "onnxruntime";

/** ONNX Runtime's SimplifiedLayerNormalization of one domain in another. */
function inDomain(model: Model, from: string, to: string): Model {
  const isMoved = (node: Node) => node.opType === "SimplifiedLayerNormalization" && node.domain === from;
  return mapGraphsSync(
    model,
    (graph) =>
      graph.nodes.some(isMoved)
        ? { ...graph, nodes: graph.nodes.map((node) => (isMoved(node) ? { ...node, domain: to } : node)) }
        : graph,
    { functions: true },
  );
}

/** The feeds of the inputs that are left, in the types that they have now. */
function feedsOf(model: Model, feeds: Feeds): Feeds {
  const ports = model.graph.inputs.map(({ name, type }) => ({
    name,
    dtype: type?.kind === "tensor" ? type.dtype : undefined,
    shape: undefined,
  }));
  return adaptFeeds(feeds, ports);
}

/** Inlines, observes and folds until nothing is left to inline; the shapes of all values. */
async function settle(draft: Draft, feeds: Feeds, services: EngineServices): Promise<Observed> {
  const known = new Map<object, string>();
  for (let round = 0; ; round++) {
    inlineFunctions(draft, known);
    hoistConstants(draft);
    const cleaned = await CLEANING.apply(draft.model, services);
    draft.model = { ...cleaned.model, graph: timeFirst(withoutDead(cleaned.model.graph)) };
    const observed =
      round === 0 ? await firstRun(draft, feeds, services) : await observe(draft.model, { feeds }, services);
    await foldShapes(draft, observed.values, services);
    if (round < ROUNDS && (await inlineBranches(draft))) continue;
    const shapes = new Map(observed.values);
    for (const [name, { dtype, dims }] of draft.model.graph.initializers) shapes.set(name, { dtype, dims });
    return shapes;
  }
}

/** Binds the inputs to the feeds and runs; first makes a batch free that the file fixes, in its inputs or inside. */
async function firstRun(draft: Draft, feeds: Feeds, services: EngineServices): Promise<Observation> {
  const { model } = draft;
  const bound = () => {
    fixInputs(draft, feeds);
    return observe(draft.model, { feeds }, services);
  };
  const fixed = fixedBatch(model, feeds);
  if (fixed !== undefined) {
    await freeBatch(draft, feeds, fixed, services);
    return bound();
  }
  try {
    return await bound();
  } catch (error) {
    const batch = batchOf(Object.keys(feeds), feeds);
    if (!(error instanceof PareError) || !error.code.startsWith("engine-") || batch < 2) throw error;
    // Its inputs take any batch, but the graph was written down for one sample.
    draft.model = model;
    await freeBatch(draft, feeds, { from: 1, to: batch }, services);
    return bound();
  }
}

/** The batch that the file states, where it is not that of the feeds. Throws `invalid("feed-shape")` for other differences. */
function fixedBatch(model: Model, feeds: Feeds): Batches | undefined {
  let batches: Batches | undefined;
  for (const { name, type } of model.graph.inputs) {
    const stated = type?.kind === "tensor" ? type.shape : undefined;
    if (stated === undefined) continue;
    const { dims } = feeds[name]!;
    const differs = (axis: number) => {
      const size = stated[axis];
      // Negative: some exporters' way to leave a dimension open.
      return typeof size === "number" && size >= 0 && size !== dims[axis];
    };
    if (dims.length !== stated.length || dims.some((_, axis) => axis > 0 && differs(axis))) {
      throw invalid("feed-shape", `The batch does not fit input "${name}".`, {
        node: name,
        expected: `[${stated.map((dim) => dim ?? "?").join(", ")}]`,
        found: `[${dims.join(", ")}]`,
      });
    }
    if (differs(0)) batches ??= { from: stated[0] as number, to: dims[0]! };
  }
  return batches;
}

/** Inputs of the shapes of this batch; rank-0 integers and booleans become constants. */
function fixInputs(draft: Draft, feeds: Feeds): void {
  const { graph } = draft.model;
  const initializers = new Map(graph.initializers);
  const inputs = graph.inputs.flatMap((input) => {
    const value = feeds[input.name]!;
    if (value.dims.length > 0 || DTYPES[value.dtype].kind === "float" || !ArrayBuffer.isView(value.data)) {
      return [tensorInfo(input.name, value.dtype, value.dims)];
    }
    const { buffer, byteOffset, byteLength } = value.data;
    initializers.set(input.name, tensor(value.dtype, [], new Uint8Array(buffer, byteOffset, byteLength).slice()));
    draft.notes.push(info("input-fixed", `Scalar input "${input.name}" is fixed at ${value.data[0]}.`, input.name));
    return [];
  });
  // What the file states of inner and outer shapes may not hold for this batch.
  const outputs = graph.outputs.map((output) =>
    output.type?.kind === "tensor" ? tensorInfo(output.name, output.type.dtype) : { name: output.name },
  );
  draft.model = { ...draft.model, graph: { ...graph, inputs, outputs, initializers, valueInfo: new Map() } };
}

function finished(model: Model, shapes: Observed): Model {
  const graph = withoutDead(model.graph);
  const outputs = graph.outputs.map((output) => {
    const shape = shapes.get(output.name);
    return shape === undefined ? output : tensorInfo(output.name, shape.dtype, shape.dims);
  });
  const ir = (model.opsets.get("") ?? OPSET) >= 23 ? 11 : 10;
  return { ...model, irVersion: Math.max(ir, model.irVersion), functions: [], graph: { ...graph, outputs } };
}

/** Loops, and branches that data chooses, stay as they are. */
const keptBodies = (graph: Graph): Note[] =>
  graph.nodes
    .filter((node) => subgraphs(node).length > 0)
    .map((node) => warning("body-kept", `Weights that only its ${node.opType} reads are not trained.`, label(node)));

/** Samples in the batch: the first dimension of the first input that has one. */
const batchOf = (inputs: readonly string[], feeds: Feeds) =>
  inputs.map((name) => feeds[name]!.dims).find((dims) => dims.length > 0)?.[0] ?? 1;
