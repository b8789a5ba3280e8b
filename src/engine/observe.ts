// Shapes and element types of every value of the graph, by running the model once on a real or synthetic batch.
// The values themselves are not kept: memory is that of one ordinary run.

import { PareError } from "../base/errors.js";
import { info, type Note, warning } from "../base/note.js";
import type { Model } from "../ir/model.js";
import { subgraphs } from "../ir/traverse.js";
import type { DType } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import { isCarried } from "./carried.js";
import { type Binding, bindDims, type StatedDims } from "./dims.js";
import { guessDType, guessedDTypes } from "./dtypes.js";
import { adaptFeeds, plainFeeds } from "./feeds.js";
import { peakActivationBytes } from "./liveness.js";
import { type Probe, type ProbeKind, probeIndex, withProbes } from "./probe.js";
import type { RuntimeSession } from "./runtime.js";
import { type EngineServices, type OpenOptions, openSession } from "./session.js";
import { settleDims } from "./settle.js";

export interface Shape {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface Observation {
  readonly binding: Binding;
  /** What it was run on. */
  readonly feeds: Feeds;
  /** Every tensor of the top-level graph: inputs, initializers and what nodes give. Not those inside subgraphs. */
  readonly values: ReadonlyMap<string, Shape>;
  /** Most bytes of activations alive at one time in graph order, inputs included, weights not. */
  readonly peakActivationBytes: number;
  /** Guessed sizes, and values that could not be observed. */
  readonly notes: readonly Note[];
}

export interface ObserveOptions {
  /** Sizes of symbolic dimensions and shapes of inputs. Not used when `feeds` are given. */
  readonly dims?: StatedDims | undefined;
  /** What to run on; else `makeFeeds`, else zeros (ones for masks). */
  readonly feeds?: Feeds | undefined;
  readonly makeFeeds?: ((binding: Binding) => Feeds) | undefined;
}

/**
 * Throws the runtime's refusal when the model does not run with any of the sizes that were guessed.
 * Values that no probe can tell (sequences, optionals) are left out, with a Note.
 */
export async function observe(model: Model, options: ObserveOptions, services: EngineServices): Promise<Observation> {
  const names = probedValues(model);
  const { session, probes, dropped } = await openProbed(model, names, services);
  try {
    const attempt = async (feeds: Feeds) =>
      probes.length === 0 ? {} : session.run(adaptFeeds(feeds, session.inputs), undefined);
    const settled = options.feeds
      ? {
          binding: bindDims(model, shapesOf(model, options.feeds)),
          feeds: options.feeds,
          result: await attempt(options.feeds),
        }
      : await settleDims(
          model,
          options.dims ?? {},
          options.makeFeeds ?? ((binding) => plainFeeds(model, binding)),
          attempt,
        );
    const values = readProbes(model, settled.feeds, probes, settled.result);
    return {
      binding: settled.binding,
      feeds: settled.feeds,
      values,
      peakActivationBytes: peakActivationBytes(model.graph, values),
      notes: [...settled.binding.guesses, ...explain(model, probes, dropped)],
    };
  } finally {
    await session.release();
  }
}

interface Probed {
  readonly session: RuntimeSession;
  readonly probes: readonly Probe[];
  readonly dropped: ReadonlySet<string>;
}

/** Opens the probed model; where the runtime refuses a probe it is replaced or left out, in a bounded number of tries. */
async function openProbed(model: Model, names: readonly string[], services: EngineServices): Promise<Probed> {
  const dropped = new Set<string>();
  const guesses = guessedDTypes(model.graph);
  const kinds = new Map<string, ProbeKind>();
  for (const name of names) if (!isCarried(guesses.get(name) ?? "float32")) kinds.set(name, "shape");
  // Unoptimised, every value is as in the file; "all" only for graphs that need fusing to have a kernel.
  let optimize: NonNullable<OpenOptions["optimize"]> = "off";
  for (let tries = 0; ; tries++) {
    const wanted = names.filter((name) => !dropped.has(name));
    const probed = withProbes(model, wanted, kinds);
    try {
      const session = await openSession(probed.model, services, { optimize });
      const types = new Map(session.outputs.map(({ name, dtype }) => [name, dtype]));
      const uncarried = probed.probes.filter(({ output }) => !isCarried(types.get(output) ?? "float32"));
      if (uncarried.length === 0) return { session, probes: probed.probes, dropped };
      await session.release();
      for (const { value } of uncarried) kinds.set(value, "shape");
    } catch (error) {
      if (!(error instanceof PareError) || tries > 40) throw error;
      const index = probeIndex(`${error.node} ${error.message}`);
      if (index !== undefined) {
        const refused = wanted[index]!;
        // A kernel that lacks the type: another probe may have it. A value that is no tensor has no shape at all.
        const next = error.code === "engine-operator" ? nextKind[kinds.get(refused) ?? "slice"] : undefined;
        if (next === undefined) dropped.add(refused);
        else kinds.set(refused, next);
      } else if (error.code === "engine-dtype" && wanted.some((name) => !kinds.has(name))) {
        // Some value has a type that the interface refuses to describe, and it does not say which.
        for (const name of wanted) if (!kinds.has(name)) kinds.set(name, "shape");
      } else if (error.code === "engine-operator" && optimize === "off") {
        optimize = "all";
      } else {
        throw error;
      }
    }
  }
}

const nextKind = { slice: "shape", shape: "cast", cast: undefined } as const;

/** What nodes of the top-level graph give, tensors as far as the file tells. */
function probedValues(model: Model): string[] {
  const stated = new Map([...model.graph.valueInfo, ...model.graph.outputs.map((one) => [one.name, one] as const)]);
  const names: string[] = [];
  for (const node of model.graph.nodes) {
    if (sequenceMakers.has(node.opType)) continue;
    for (const name of node.outputs) {
      const kind = stated.get(name)?.type?.kind;
      if (name !== "" && (kind === undefined || kind === "tensor" || kind === "unset")) names.push(name);
    }
  }
  return names;
}

const sequenceMakers = new Set([
  "SequenceConstruct",
  "SequenceEmpty",
  "SequenceInsert",
  "SequenceErase",
  "SequenceMap",
  "SplitToSequence",
  "Optional",
  "ZipMap",
]);

function readProbes(
  model: Model,
  feeds: Feeds,
  probes: readonly Probe[],
  results: Readonly<Record<string, Value>>,
): Map<string, Shape> {
  const values = new Map<string, Shape>();
  for (const [name, { dtype, dims }] of model.graph.initializers) values.set(name, { dtype, dims });
  for (const [name, { dtype, dims }] of Object.entries(feeds)) values.set(name, { dtype, dims });
  const byValue = new Map(probes.map((probe) => [probe.value, probe]));
  for (const node of model.graph.nodes) {
    for (const name of node.outputs) {
      const probe = byValue.get(name);
      const result = probe === undefined ? undefined : results[probe.output];
      if (probe === undefined || result === undefined) continue;
      const dtype = probe.kind === "slice" ? result.dtype : guessDType(model.graph, node, name, values);
      const dims = probe.kind === "shape" ? Array.from(result.data as BigInt64Array, Number) : result.dims.slice(1);
      values.set(name, { dtype, dims });
    }
  }
  return values;
}

const shapesOf = (model: Model, feeds: Feeds): StatedDims => {
  const known = new Set(model.graph.inputs.map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => known.has(name) && !model.graph.initializers.has(name))
      .map(([name, { dims }]) => [name, dims]),
  );
};

function explain(model: Model, probes: readonly Probe[], dropped: ReadonlySet<string>): Note[] {
  const notes: Note[] = [];
  for (const name of dropped) notes.push(warning("not-observed", "The value is not a tensor: no shape.", name));
  const derived = probes.filter(({ kind }) => kind !== "slice").length;
  if (derived > 0) {
    notes.push(info("dtype-derived", `Element types of ${derived} values are derived from the graph, not observed.`));
  }
  const inner = model.graph.nodes.filter((node) => subgraphs(node).length > 0).length;
  if (inner > 0) {
    notes.push(
      info("subgraph-not-observed", `Values inside the subgraphs of ${inner} nodes (If, Loop, Scan) are not observed.`),
    );
  }
  return notes;
}
