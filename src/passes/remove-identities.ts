// Removes nodes that provably give back their input: Identity, Dropout at inference, and operators whose parameters say
// "change nothing". What is not proved from the graph itself stays.

import { intOf, intsOf, stringOf } from "../ir/attributes.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphs } from "../ir/map.js";
import type { FunctionDefinition, Graph, Model, Node } from "../ir/model.js";
import type { Scope } from "../ir/traverse.js";
import { dtypeOfCode } from "../tensor/dtype.js";
import { numbersOf } from "./constants.js";
import { definePass } from "./pass.js";
import { isPlain, type ValueFact, valueFacts } from "./value-facts.js";

export const removeIdentities = definePass({
  name: "remove-identities",
  summary: "Nodes that give back their input (Identity, Dropout, a Cast to the same type ...) are removed.",
  rewrite: (model) =>
    mapGraphs(model, (graph, outer, body) => rewriteGraph(graph, outer, opsetOf(model, body)), { functions: true }),
});

const opsetOf = (model: Model, body: FunctionDefinition | undefined) => (body ?? model).opsets.get("") ?? 0;

async function rewriteGraph(graph: Graph, outer: Scope, opset: number): Promise<Graph> {
  const editor = new GraphEditor(graph, outer);
  const facts = valueFacts(graph, outer);
  for (const original of graph.nodes) {
    const node = editor.current(original);
    if (node === undefined || !isPlain(node)) continue;
    if (node.outputs.slice(1).some((name) => isUsed(editor, name))) continue;
    const look: Look = { node, opset, facts, numbers: (input) => numbersOf(editor.constant(node.inputs[input] ?? "")) };
    const rule = RULES[node.opType];
    if (rule && (await rule(look))) {
      bypass(editor, node, node.inputs[0]!);
    } else if (node.opType === "Transpose") {
      joinTransposes(editor, node);
    }
  }
  return editor.done();
}

const isUsed = (editor: GraphEditor, name: string) =>
  name !== "" && (editor.isOutput(name) || editor.consumers(name).length > 0);

/** Takes a node out and lets its users use `from`. Leaves it where its output must keep a name of its own. */
function bypass(editor: GraphEditor, node: Node, from: string): void {
  const to = node.outputs[0]!;
  if (!editor.isOutput(to)) {
    editor.remove(node);
    editor.renameUses(to, from);
    return;
  }
  // An output keeps its name: the node that makes the value takes it over, unless its value has a name to keep too.
  if (!editor.producer(from) || editor.isOutput(from)) return;
  editor.remove(node);
  editor.renameValue(from, to);
}

interface Look {
  readonly node: Node;
  readonly opset: number;
  readonly facts: (name: string) => ValueFact;
  /** The elements of a constant input. */
  numbers(input: number): Promise<Float64Array | undefined>;
}

type Rule = (look: Look) => boolean | Promise<boolean>;

const RULES: Readonly<Record<string, Rule>> = {
  Identity: () => true,
  Dropout: async ({ node, opset, numbers }) => {
    if (opset < 7) return intOf(node, "is_test", 0) === 1;
    if (opset < 12 || (node.inputs[2] ?? "") === "") return true;
    return (await numbers(2))?.[0] === 0;
  },
  Cast: ({ node, facts }) => {
    const to = node.attributes.get("to");
    return to?.type === "int" && facts(node.inputs[0]!).dtype === dtypeOfCode(Number(to.value));
  },
  CastLike: ({ node, facts }) => {
    const { dtype } = facts(node.inputs[0]!);
    return dtype !== undefined && dtype === facts(node.inputs[1] ?? "").dtype;
  },
  Transpose: ({ node, facts }) => {
    const perm = intsOf(node, "perm");
    if (perm) return perm.every((axis, i) => axis === i);
    const { rank } = facts(node.inputs[0]!);
    return rank !== undefined && rank <= 1;
  },
  Concat: alone,
  Sum: alone,
  Max: alone,
  Min: alone,
  Mean: alone,
  Pad: async ({ node, opset, numbers }) => {
    const pads = opset < 11 ? intsOf(node, "pads") : await numbers(1);
    return pads?.every((pad: number) => pad === 0) === true;
  },
  Slice: async ({ node, opset, numbers }) => {
    const [starts, ends] =
      opset < 10 ? [intsOf(node, "starts"), intsOf(node, "ends")] : [await numbers(1), await numbers(2)];
    const steps = (node.inputs[4] ?? "") === "" ? [] : await numbers(4);
    if (!starts || !ends || !steps) return false;
    // "To the end" is written as a number that no dimension reaches.
    return all(starts, (start) => start === 0) && all(ends, (end) => end >= 2 ** 31 - 1) && all(steps, (s) => s === 1);
  },
  Resize: async ({ node, opset, numbers }) => {
    if (opset < 11 || (node.inputs[3] ?? "") !== "" || node.attributes.has("axes")) return false;
    if (stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize") return false;
    const scales = stringOf(node, "mode", "nearest") === "cubic" ? undefined : await numbers(2);
    return scales !== undefined && scales.length > 0 && all(scales, (scale) => scale === 1);
  },
  Mul: (look) => byScalar(look, 1),
  Div: (look) => byScalar(look, 1),
  // Not Add: -0 + 0 is +0. Sub keeps every value.
  Sub: (look) => byScalar(look, 0),
};

function alone({ node }: Look): boolean {
  return node.inputs.length === 1;
}

const all = (values: ArrayLike<number>, test: (value: number) => boolean) => Array.from(values).every(test);

/** Whether the second input is a constant of rank 0, so that it changes no shape, and has the neutral value. */
async function byScalar({ node, facts, numbers }: Look, neutral: number): Promise<boolean> {
  if (facts(node.inputs[1] ?? "").rank !== 0) return false;
  return (await numbers(1))?.[0] === neutral;
}

/** Transpose after Transpose is one Transpose; the next round removes it when it is none. */
function joinTransposes(editor: GraphEditor, node: Node): void {
  const first = editor.producer(node.inputs[0]!);
  if (first?.opType !== "Transpose" || first.domain !== "") return;
  const [inner, outer] = [intsOf(first, "perm"), intsOf(node, "perm")];
  if (!inner || !outer || inner.length !== outer.length) return;
  const perm = outer.map((axis) => BigInt(inner[axis] ?? 0));
  editor.replace(node, [
    { ...node, inputs: first.inputs, attributes: new Map(node.attributes).set("perm", { type: "ints", value: perm }) },
  ]);
}
