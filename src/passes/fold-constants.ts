// Computes what depends on constants alone, by running just those nodes on the engine, and stores the results. Constant
// nodes become initializers. The file never grows by it: a result is stored only when it is no larger than the weights
// that it makes superfluous.

import type { Note } from "../base/note.js";
import type { EngineServices } from "../engine/session.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphs } from "../ir/map.js";
import type { Graph, Initializer, Model, Node } from "../ir/model.js";
import { type Scope, subgraphs } from "../ir/traverse.js";
import { DTYPES, elementCount } from "../tensor/dtype.js";
import { constantValue } from "./constant-node.js";
import { evaluate, type Target } from "./evaluate-constants.js";
import { definePass } from "./pass.js";
import { transposed } from "./transposed-weight.js";

export const foldConstants = definePass({
  name: "fold-constants",
  summary: "What depends on constants alone is computed once and stored, where that does not make the file larger.",
  async rewrite(model, context, notes) {
    const result = await mapGraphs(model, (graph, outer) => rewriteGraph(graph, outer, model, context, notes));
    // Before IR 4 every initializer had to be an input too.
    return result === model ? model : { ...result, irVersion: Math.max(result.irVersion, 4) };
  },
});

/** Results up to this size are stored whatever they came from: shapes, bounds, scalars. Bytes. */
const SMALL = 1024;
/** Each round gives up the last node of what was too large, and tries again with what stands before it. */
const ROUNDS = 8;

async function rewriteGraph(
  graph: Graph,
  outer: Scope,
  model: Model,
  context: EngineServices,
  notes: Note[],
): Promise<Graph> {
  const editor = new GraphEditor(graph, outer);
  hoistConstants(editor, graph);
  foldTransposes(editor);
  const left = new Set<Node>();
  for (let round = 0; round < ROUNDS; round++) {
    const region = constantRegion(editor, left);
    const targets = frontier(editor, region);
    if (targets.length === 0) break;
    const small = targets.filter((target) => !isTooLarge(editor, target));
    const values = await evaluate(editor, small, model, context, notes);
    for (const target of targets) {
      const value = values.get(target.name);
      const bytes = value ? value.data.byteLength : Number.POSITIVE_INFINITY;
      if (value && bytes <= Math.max(SMALL, target.freedBytes)) store(editor, target, value);
      // Not stored: what stands before it may still be worth it.
      else left.add(target.node);
    }
  }
  return editor.done();
}

/** Constant nodes to initializers, except where the result must keep a node: as an output of the graph. */
function hoistConstants(editor: GraphEditor, graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.opType !== "Constant" || node.domain !== "") continue;
    const name = node.outputs[0]!;
    const value = editor.isOutput(name) ? undefined : constantValue(node);
    if (!value) continue;
    editor.remove(node);
    editor.setInitializer(name, value);
  }
}

/** Transposes of weights are ours: lazily, so that their size does not matter, and only where nothing else uses the weight. */
function foldTransposes(editor: GraphEditor): void {
  for (const node of editor.graph.nodes) {
    if (node.opType !== "Transpose" || node.domain !== "") continue;
    const [name, output] = [node.inputs[0]!, node.outputs[0]!];
    const weight = editor.initializer(name);
    if (!weight || editor.constant(name) !== weight || editor.isOutput(name) || editor.isOutput(output)) continue;
    if (editor.consumers(name).length !== 1) continue;
    const value = transposed(node, weight);
    if (!value) continue;
    editor.remove(node);
    editor.removeInitializer(name);
    editor.setInitializer(output, value);
  }
}

/** Nodes whose results depend on constants alone, and which may be computed. */
function constantRegion(editor: GraphEditor, left: ReadonlySet<Node>): ReadonlySet<Node> {
  const region = new Set<Node>();
  const known = (name: string) => {
    if (name === "" || editor.constant(name)) return true;
    const producer = editor.producer(name);
    return producer !== undefined && region.has(producer);
  };
  for (const node of editor.graph.nodes) {
    if (!left.has(node) && mayCompute(editor, node) && node.inputs.every(known)) region.add(node);
  }
  return region;
}

/** Random results, and decoders of stored weights: computing those would undo a compression. */
const NEVER = new Set(
  `RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli Dropout Constant
  DequantizeLinear QuantizeLinear DynamicQuantizeLinear`.split(/\s+/),
);
/** Operators whose result is larger than their inputs by any factor; computed only from parameters, never from weights. */
const GROWING = new Set("ConstantOfShape Expand Tile Range EyeLike OneHot Resize Upsample Pad".split(" "));

function mayCompute(editor: GraphEditor, node: Node): boolean {
  if (
    node.domain !== "" ||
    NEVER.has(node.opType) ||
    subgraphs(node).length > 0 ||
    node.outputs.every((o) => o === "")
  ) {
    return false;
  }
  const constants = node.inputs.flatMap((name) => editor.constant(name) ?? []);
  if (constants.some((constant) => constant.sparse || constant.dtype === "string" || isStored(constant, node)))
    return false;
  return !GROWING.has(node.opType) || constants.every((constant) => elementCount(constant.dims) <= SMALL);
}

/**
 * A weight kept in fewer bits than it is used with: float16 behind a Cast, int8 codes, packed bits. That is how somebody
 * wants it stored, so the nodes that decode it are left to the runtime, which folds them when it loads the model.
 */
function isStored(constant: Initializer, node: Node): boolean {
  const { bits, kind } = DTYPES[constant.dtype];
  if (bits >= 32 || kind === "bool" || elementCount(constant.dims) <= 16) return false;
  return bits < 16 || kind !== "float" || node.opType === "Cast";
}

/** Operators whose result is as large as their first input. */
const SAME_SIZE = new Set("Transpose Reshape Flatten Squeeze Unsqueeze Identity Neg Abs Sqrt Exp Log Relu".split(" "));

/** Whether it is clear without computing it that a result would make the file larger. */
function isTooLarge(editor: GraphEditor, { node, freedBytes }: Target): boolean {
  const source = editor.constant(node.inputs[0] ?? "");
  if (!source || source.sparse || !SAME_SIZE.has(node.opType)) return false;
  return source.data.byteLength > Math.max(SMALL, freedBytes);
}

function frontier(editor: GraphEditor, region: ReadonlySet<Node>): Target[] {
  const targets: Target[] = [];
  const order = new Map([...region].map((node, i) => [node, i]));
  for (const node of region) {
    for (const name of node.outputs) {
      if (name === "" || editor.isOutput(name)) continue;
      if (editor.consumers(name).every((user) => region.has(user))) continue;
      targets.push(targetOf(editor, order, node, name));
    }
  }
  return targets;
}

function targetOf(editor: GraphEditor, order: ReadonlyMap<Node, number>, node: Node, name: string): Target {
  const cone = new Set<Node>([node]);
  const constants = new Set<string>();
  for (const member of cone) {
    for (const input of member.inputs) {
      if (input === "") continue;
      if (editor.constant(input)) constants.add(input);
      else cone.add(editor.producer(input)!);
    }
  }
  let freedBytes = 0;
  for (const constant of constants) {
    const own = editor.initializer(constant);
    if (!own || own.sparse || editor.isOutput(constant)) continue;
    if (editor.consumers(constant).every((user) => cone.has(user))) freedBytes += own.data.byteLength;
  }
  const inOrder = [...cone].sort((a, b) => order.get(a)! - order.get(b)!);
  return { name, node, cone: inOrder, constants, freedBytes };
}

function store(editor: GraphEditor, target: Target, value: Initializer): void {
  const node = editor.current(target.node)!;
  // The node may stay for its other results.
  if (node.outputs.some((name) => name !== target.name && isUsed(editor, name))) {
    const outputs = node.outputs.map((name) => (name === target.name ? editor.unique(`${name}_unused`) : name));
    editor.replace(node, [{ ...node, outputs }]);
  } else editor.remove(node);
  editor.setInitializer(target.name, value);
  // What stood before it may have served it alone.
  for (const earlier of [...target.cone].reverse()) {
    const current = editor.current(earlier);
    if (current && !current.outputs.some((name) => isUsed(editor, name))) editor.remove(current);
  }
}

const isUsed = (editor: GraphEditor, name: string) =>
  name !== "" && (editor.isOutput(name) || editor.consumers(name).length > 0);
