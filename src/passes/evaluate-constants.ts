// Computes constants by running just the nodes they come from, as a small model on the engine.

import { PareError } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import { run } from "../engine/run.js";
import type { EngineServices } from "../engine/session.js";
import { makeModel } from "../ir/build.js";
import type { GraphEditor } from "../ir/edit.js";
import { type Graph, type Initializer, label, type Model, type Node } from "../ir/model.js";
import { tensorOf } from "./result-tensor.js";

/** Weights that one evaluation may read, bytes: it happens in memory, and the result stays there until it is saved. */
const EVALUATION_LIMIT = 64 * 2 ** 20;
/** Results that one evaluation gives: the runtime's time grows faster than their number. */
const TARGETS = 128;

/** A result of the region that something outside of it uses. */
export interface Target {
  readonly name: string;
  readonly node: Node;
  /** The nodes it takes, in order, and the constants they start from. */
  readonly cone: readonly Node[];
  readonly constants: ReadonlySet<string>;
  /** Bytes of weights that nobody needs any more when this result is stored. */
  readonly freedBytes: number;
}

type Dense = Initializer & { readonly sparse?: undefined };
export type Values = ReadonlyMap<string, Dense>;

/**
 * Computes the targets that are small enough, many in one run; where a run fails, one by one, so that a refused node
 * costs only itself. What is not computed is not in the result, and said in `notes`.
 */
export async function evaluate(
  editor: GraphEditor,
  targets: readonly Target[],
  model: Model,
  context: EngineServices,
  notes: Note[],
): Promise<Values> {
  const possible = targets.filter((target) => {
    if (sourceBytes(editor, [target]) <= EVALUATION_LIMIT) return true;
    notes.push(
      info("constant-kept", "Depends on constants alone, but is large: left to the runtime.", label(target.node)),
    );
    return false;
  });
  const values = new Map<string, Dense>();
  for (const batch of batches(editor, possible)) {
    context.signal?.throwIfAborted();
    for (const [name, value] of await evaluateBatch(editor, batch, model, context, notes)) values.set(name, value);
  }
  return values;
}

function* batches(editor: GraphEditor, targets: readonly Target[]): Generator<Target[]> {
  let batch: Target[] = [];
  for (const target of targets) {
    const joined = [...batch, target];
    if (batch.length > 0 && (joined.length > TARGETS || sourceBytes(editor, joined) > EVALUATION_LIMIT)) {
      yield batch;
      batch = [target];
    } else batch = joined;
  }
  if (batch.length > 0) yield batch;
}

async function evaluateBatch(
  editor: GraphEditor,
  batch: readonly Target[],
  model: Model,
  context: EngineServices,
  notes: Note[],
): Promise<Values> {
  try {
    return await compute(editor, batch, model, context);
  } catch (error) {
    if (!(error instanceof PareError) || error.kind === "internal") throw error;
    const [only] = batch;
    if (batch.length === 1 && only) {
      notes.push(info("constant-kept", `The engine does not compute it: ${error.message}`, label(only.node)));
      return new Map();
    }
  }
  const values = new Map<string, Dense>();
  for (const target of batch) {
    for (const [name, value] of await evaluateBatch(editor, [target], model, context, notes)) values.set(name, value);
  }
  return values;
}

function sourceBytes(editor: GraphEditor, targets: readonly Target[]): number {
  let bytes = 0;
  for (const name of new Set(targets.flatMap((target) => [...target.constants]))) {
    const constant = editor.constant(name);
    if (constant && !constant.sparse) bytes += constant.data.byteLength;
  }
  return bytes;
}

async function compute(
  editor: GraphEditor,
  targets: readonly Target[],
  model: Model,
  context: EngineServices,
): Promise<Values> {
  const nodes = new Set(targets.flatMap((target) => target.cone));
  const initializers = new Map<string, Initializer>();
  for (const target of targets) for (const name of target.constants) initializers.set(name, editor.constant(name)!);
  const graph: Graph = {
    name: "constants",
    docString: "",
    inputs: [],
    outputs: targets.map(({ name }) => ({ name })),
    valueInfo: new Map(),
    nodes: editor.graph.nodes.filter((node) => nodes.has(node)),
    initializers,
  };
  const opset = model.opsets.get("") ?? 1;
  const small = makeModel(graph, { opset, ir: Math.max(model.irVersion, 4) });
  const results = await run(small, {}, context, { threads: 1 });
  const values = new Map<string, Dense>();
  for (const { name } of targets) {
    const value = results[name] && tensorOf(results[name]);
    if (value) values.set(name, value);
  }
  return values;
}
