// A batch size that the file fixes is made that of the feeds: shapes written down as constants (Reshape, Expand, Resize),
// constants joined to samples or given as initial states. Proved by running: the first samples give what they gave before.

import { PareError, unsupported } from "../../base/errors.js";
import { info } from "../../base/note.js";
import { asNumbers } from "../../engine/feeds.js";
import { observe } from "../../engine/observe.js";
import { run } from "../../engine/run.js";
import type { EngineServices } from "../../engine/session.js";
import { intOf, intsOf } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import { label, type Model, type Node } from "../../ir/model.js";
import { numbersOf } from "../../passes/constants.js";
import { int64 } from "../../tensor/tensor.js";
import type { Feeds, Numbers, Value } from "../../tensor/value.js";
import type { Draft } from "./draft.js";
import type { Observed } from "./static-shapes.js";

const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);

/** The batch in the file, and the batch that is wanted. */
export interface Batches {
  readonly from: number;
  readonly to: number;
}

/** Throws `unsupported("batch-fixed")` with the node that fixes the batch. `draft` is flat, its inputs not yet bound. */
export async function freeBatch(draft: Draft, feeds: Feeds, batches: Batches, services: EngineServices): Promise<void> {
  const before = draft.model;
  const few = withRows(feeds, batches);
  const observed = await observe(before, { feeds: few }, services);
  draft.model = { ...before, graph: await rewrite(before, feeds, observed.values, batches) };
  await prove(before, draft.model, few, feeds, batches, services);
  draft.notes.push(info("batch-freed", `The file takes batches of ${batches.from}: made ${batches.to}.`));
}

/** The first `from` samples of the feeds, repeated where there are fewer. */
function withRows(feeds: Feeds, { from, to }: Batches): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => {
      if (value.dims[0] !== to || !ArrayBuffer.isView(value.data)) return [name, value];
      const data = value.data as Numbers;
      const row = data.length / to;
      const made = new (data.constructor as new (length: number) => Float32Array)(row * from);
      for (let i = 0; i < from; i++)
        made.set(data.subarray((i % to) * row, ((i % to) + 1) * row) as Float32Array, i * row);
      return [name, { ...value, dims: [from, ...value.dims.slice(1)], data: made } satisfies Value];
    }),
  );
}

async function rewrite(model: Model, feeds: Feeds, shapes: Observed, batches: Batches) {
  const editor = new GraphEditor(model.graph);
  // Which axis of a value counts samples. Values without samples are not in it.
  const axes = new Map<string, number>();
  for (const { name } of model.graph.inputs) if (feeds[name]?.dims[0] === batches.to) axes.set(name, 0);
  for (const node of model.graph.nodes) {
    await rewriteNode(editor, node, axes, shapes, batches);
    const axis = await batchAxis(editor, node, axes, shapes);
    if (RECURRENT.has(node.opType)) {
      // [steps, directions, batch, hidden], then states [directions, batch, hidden].
      node.outputs.forEach((name, at) => {
        if (name !== "" && axis !== undefined) axes.set(name, at === 0 ? 2 : 1);
      });
    } else if (axis !== undefined) for (const name of node.outputs) if (name !== "") axes.set(name, axis);
  }
  return editor.done();
}

/** Where the results of a node count samples: where its inputs do, unless it moves axes. */
async function batchAxis(
  editor: GraphEditor,
  node: Node,
  axes: ReadonlyMap<string, number>,
  shapes: Observed,
): Promise<number | undefined> {
  const from = node.inputs.find((name) => axes.has(name));
  if (from === undefined) return undefined;
  const axis = axes.get(from)!;
  const rank = shapes.get(from)?.dims.length ?? 0;
  const counted = (values: ArrayLike<number>, size: number) =>
    Array.from(values, (value) => (value < 0 ? value + size : value)).sort((a, b) => a - b);
  switch (node.opType) {
    case "Transpose":
      return (intsOf(node, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)).indexOf(axis);
    case "Unsqueeze": {
      const added = counted((await numbersOf(editor.constant(node.inputs[1] ?? ""))) ?? [], rank + 1);
      return added.reduce((at, place) => (place <= at ? at + 1 : at), axis);
    }
    case "Squeeze": {
      const gone = counted((await numbersOf(editor.constant(node.inputs[1] ?? ""))) ?? [], rank);
      return axis - gone.filter((place) => place < axis).length;
    }
    default: {
      // Elementwise operators align their operands at the last axis.
      const result = shapes.get(node.outputs[0]!)?.dims.length ?? rank;
      return axis === 0 ? 0 : Math.max(0, axis + result - rank);
    }
  }
}

async function rewriteNode(
  editor: GraphEditor,
  node: Node,
  axes: ReadonlyMap<string, number>,
  shapes: Observed,
  { from, to }: Batches,
): Promise<void> {
  const axis = axes.get(node.inputs[0] ?? "");
  const scale = async (input: number, at: number) => {
    const values = [...((await numbersOf(editor.constant(node.inputs[input] ?? ""))) ?? [])];
    const value = values[at];
    if (value === undefined || value <= 0 || value % from !== 0) return;
    values[at] = (value / from) * to;
    const name = editor.unique(`${node.inputs[input]}_batch`);
    editor.setInitializer(name, int64([values.length], values));
    const inputs = node.inputs.map((old, i) => (i === input ? name : old));
    const current = editor.current(node)!;
    editor.replace(current, [{ ...current, inputs }]);
  };
  const spread = async (inputs: readonly number[], at: number) => {
    for (const input of inputs) {
      const name = node.inputs[input] ?? "";
      const dims = shapes.get(name)?.dims;
      if (name === "" || axes.has(name) || dims?.[at] !== from || from !== 1) continue;
      const [sizes, wide] = [editor.unique(`${name}_sizes`), editor.unique(`${name}_batch`)];
      editor.setInitializer(
        sizes,
        int64(
          [dims.length],
          dims.map((size, i) => (i === at ? to : size)),
        ),
      );
      const current = editor.current(node)!;
      const whole = { ...current, inputs: current.inputs.map((old, i) => (i === input ? wide : old)) };
      editor.insertBefore(current, [makeNode("Expand", [name, sizes], [wide])]);
      editor.replace(editor.current(node)!, [whole]);
    }
  };
  if (node.domain !== "") return;
  switch (node.opType) {
    case "Reshape":
      // Samples stay outermost: whatever the first axis holds besides, there are more of it.
      if (axis === 0) await scale(1, 0);
      else if (axis !== undefined && sameBefore(node, axis, shapes)) await scale(1, axis);
      return;
    case "Expand":
      if (axis === 0) await scale(1, 0);
      return;
    case "Resize":
      if (axis === 0) await scale(3, 0);
      return;
    case "Concat": {
      const carried = node.inputs.find((name) => axes.has(name));
      const at = carried === undefined ? undefined : axes.get(carried);
      const along = intOf(node, "axis", 0);
      const rank = shapes.get(node.inputs[0]!)?.dims.length ?? 0;
      if (at !== undefined && (along < 0 ? along + rank : along) !== at) await spread([...node.inputs.keys()], at);
      return;
    }
    case "LSTM":
    case "GRU":
    case "RNN":
      if (axis !== undefined) await spread([5, 6], 1);
  }
}

function sameBefore(node: Node, axis: number, shapes: Observed): boolean {
  const [before, after] = [shapes.get(node.inputs[0]!)?.dims, shapes.get(node.outputs[0]!)?.dims];
  return before !== undefined && after !== undefined && before.slice(0, axis).every((size, i) => size === after[i]);
}

/** float32 arithmetic on batches of other sizes. */
const TOLERANCE = 1e-3;

async function prove(
  before: Model,
  after: Model,
  few: Feeds,
  feeds: Feeds,
  batches: Batches,
  services: EngineServices,
) {
  const { from, to } = batches;
  const expected = await run(before, few, services);
  let found: Record<string, Value>;
  try {
    found = await run(unbound(after, feeds), feeds, services);
  } catch (error) {
    if (!(error instanceof PareError) || !error.code.startsWith("engine-")) throw error;
    throw refusal(batches, error.node ?? "the graph", error.message, error);
  }
  for (const { name } of before.graph.outputs) {
    const [one, all] = [expected[name]!, found[name]!];
    const [a, b] = [asNumbers(one), asNumbers(all)];
    const maker = after.graph.nodes.find((node) => node.outputs.includes(name));
    const where = maker === undefined ? name : label(maker);
    if (a.length * to !== b.length * from) throw refusal(batches, where, `its result has dimensions [${all.dims}]`);
    // Where samples are not outermost the rows cannot be told apart here.
    if (one.dims[0]! * to !== all.dims[0]! * from) continue;
    const kept = Math.min(a.length, b.length);
    const largest = Array.from({ length: kept }, (_, i) => Math.abs(a[i]!)).reduce((x, y) => Math.max(x, y), 0);
    for (let i = 0; i < kept; i++) {
      if (Math.abs(a[i]! - b[i]!) > TOLERANCE * largest)
        throw refusal(batches, where, "samples of a batch change each other");
    }
  }
}

/** Inputs of whatever size is fed. */
function unbound(model: Model, feeds: Feeds): Model {
  const inputs = model.graph.inputs.map((input) =>
    input.type?.kind === "tensor" ? { ...input, type: { ...input.type, shape: feeds[input.name]!.dims } } : input,
  );
  const outputs = model.graph.outputs.map(({ name }) => ({ name }));
  return { ...model, graph: { ...model.graph, inputs, outputs, valueInfo: new Map() } };
}

const refusal = ({ from, to }: Batches, node: string, why: string, cause?: unknown) =>
  unsupported("batch-fixed", `The model takes batches of ${from} only: ${node} fixes it (${why}).`, {
    node,
    expected: `batches of ${from}`,
    found: `a batch of ${to}`,
    hint: `Train with --batch ${from} (and --accumulate for a larger one), or export the model with a free batch dimension.`,
    cause,
  });
