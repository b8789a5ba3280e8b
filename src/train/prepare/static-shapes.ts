// Every shape is known once the model ran: Shape and Size become constants, and what depends on small constants is computed
// by the engine. Weights are left as they are, and large results to the runtime, which folds them when it loads the graph.

import type { Shape as ObservedShape } from "../../engine/observe.js";
import type { EngineServices } from "../../engine/session.js";
import { intOf } from "../../ir/attributes.js";
import { GraphEditor } from "../../ir/edit.js";
import type { Graph, Initializer, Node } from "../../ir/model.js";
import { subgraphs } from "../../ir/traverse.js";
import { evaluate, type Target } from "../../passes/evaluate-constants.js";
import { byteCount, DTYPES, elementCount } from "../../tensor/dtype.js";
import { int64 } from "../../tensor/tensor.js";
import type { Draft } from "./draft.js";

/** Results above this size are not computed here, bytes: shapes, indices, bounds and small tables are below. */
const LIMIT = 2 ** 16;

/** Dimensions of every value by name. */
export type Observed = ReadonlyMap<string, ObservedShape>;

export async function foldShapes(draft: Draft, shapes: Observed, services: EngineServices): Promise<void> {
  const editor = new GraphEditor(draft.model.graph);
  for (const node of draft.model.graph.nodes) {
    const value = staticValue(node, shapes);
    const name = node.outputs[0]!;
    if (value === undefined || editor.isOutput(name)) continue;
    editor.remove(node);
    editor.setInitializer(name, value);
  }
  const region = constantRegion(editor, draft, shapes);
  const targets = frontier(editor, region);
  if (targets.length > 0) {
    const values = await evaluate(editor, targets, draft.model, services, draft.notes);
    for (const { name, node } of targets) {
      const value = values.get(name);
      if (value === undefined) continue;
      const current = editor.current(node)!;
      editor.replace(current, renamed(editor, current, name));
      editor.setInitializer(name, value);
    }
  }
  draft.model = { ...draft.model, graph: withoutDead(editor.done()) };
}

/** What is left of a node when one of its results is a constant: nothing, or the node with that result unnamed. */
function renamed(editor: GraphEditor, node: Node, name: string): Node[] {
  const others = node.outputs.some((output) => output !== "" && output !== name && used(editor, output));
  if (!others) return [];
  return [
    { ...node, outputs: node.outputs.map((output) => (output === name ? editor.unique(`${name}_unused`) : output)) },
  ];
}

const used = (editor: GraphEditor, name: string) => editor.isOutput(name) || editor.consumers(name).length > 0;

function staticValue(node: Node, shapes: Observed): Initializer | undefined {
  if (node.domain !== "" || (node.opType !== "Shape" && node.opType !== "Size")) return undefined;
  const dims = shapes.get(node.inputs[0]!)?.dims;
  if (dims === undefined) return undefined;
  if (node.opType === "Size") return int64([], [elementCount(dims)]);
  const end = node.attributes.has("end") ? intOf(node, "end", 0) : undefined;
  const part = dims.slice(intOf(node, "start", 0), end);
  return int64([part.length], part);
}

/** Random numbers, and weights stored as codes. */
const NEVER = new Set(
  `RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli Dropout DequantizeLinear`.split(
    " ",
  ),
);

/** Nodes that depend on constants alone, none of them a weight of the user's, and whose results are small. */
function constantRegion(editor: GraphEditor, draft: Draft, shapes: Observed): Map<Node, number> {
  const region = new Map<Node, number>();
  const known = (name: string) => {
    if (name === "") return true;
    const constant = editor.constant(name);
    if (constant) return !constant.sparse && constant.dtype !== "string" && !mayBeWeight(draft, name, constant);
    const producer = editor.producer(name);
    return producer !== undefined && region.has(producer);
  };
  const small = (name: string) => {
    const shape = shapes.get(name);
    return (
      name === "" ||
      (shape !== undefined && DTYPES[shape.dtype].bits >= 8 && byteCount(shape.dtype, shape.dims) <= LIMIT)
    );
  };
  for (const node of editor.graph.nodes) {
    if (node.domain !== "" || NEVER.has(node.opType) || subgraphs(node).length > 0) continue;
    if (node.inputs.every(known) && node.outputs.every(small)) region.set(node, region.size);
  }
  return region;
}

/** A float of several elements that stands in the user's file. */
const mayBeWeight = (draft: Draft, name: string, constant: Initializer) =>
  draft.origins.has(name) && DTYPES[constant.dtype].kind === "float" && elementCount(constant.dims) > 1;

function frontier(editor: GraphEditor, region: ReadonlyMap<Node, number>): Target[] {
  const targets: Target[] = [];
  for (const node of region.keys()) {
    for (const name of node.outputs) {
      if (name === "" || editor.isOutput(name)) continue;
      const users = editor.consumers(name);
      if (users.length === 0 || users.every((user) => region.has(user))) continue;
      const cone = new Set<Node>([node]);
      const constants = new Set<string>();
      // What is added to a set while it is walked is walked too.
      for (const member of cone) {
        for (const input of member.inputs) {
          if (input === "") continue;
          if (editor.constant(input)) constants.add(input);
          else cone.add(editor.producer(input)!);
        }
      }
      const inOrder = [...cone].sort((a, b) => region.get(a)! - region.get(b)!);
      targets.push({ name, node, cone: inOrder, constants, freedBytes: 0 });
    }
  }
  return targets;
}

/** Nodes whose results nobody uses any more, and constants likewise. */
export function withoutDead(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => name !== "" && used(editor, name))) editor.remove(node);
  }
  for (const name of graph.initializers.keys()) if (!used(editor, name)) editor.removeInitializer(name);
  return editor.done();
}
