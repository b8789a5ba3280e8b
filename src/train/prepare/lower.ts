// Composite operators are replaced by the plain ones they stand for. Shapes are known, so every size is a number.

import { unsupported } from "../../base/errors.js";
import { makeNode } from "../../ir/build.js";
import type { Initializer, Model, Node } from "../../ir/model.js";
import { consumers } from "../../ir/traverse.js";
import { Emitter, type ValueShape } from "../emitter.js";
import { loweringOf } from "../lowerings/index.js";
import { NODE_BUDGET } from "../lowerings/lowering.js";

export interface Lowered {
  readonly model: Model;
  readonly shapes: ReadonlyMap<string, ValueShape>;
  /** Nodes that were replaced, by operator. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Throws what lowerings throw, and `unsupported("lowering-too-large")` with the count above 20,000 nodes. */
export function lower(model: Model, observed: ReadonlyMap<string, ValueShape>): Lowered {
  const { graph } = model;
  const counts = new Map<string, number>();
  if (!graph.nodes.some((node) => loweringOf(node))) return { model, shapes: observed, counts };
  const users = consumers(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const taken = new Set([
    ...observed.keys(),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const emit = new Emitter({
    shape: (name) => observed.get(name),
    has: (name) => taken.has(name),
    constant: (name) => dense(graph.initializers.get(name)),
  });
  const nodes: Node[] = [];
  const shapes = new Map(observed);
  let from = 0;
  for (const node of graph.nodes) {
    const results = loweringOf(node)?.lower({
      node,
      emit,
      input: (index) => node.inputs[index] ?? "",
      dims: (index) => observed.get(node.outputs[index] ?? "")?.dims ?? [],
      wants: (index) =>
        (node.outputs[index] ?? "") !== "" && (users.has(node.outputs[index]!) || outputs.has(node.outputs[index]!)),
    });
    if (results === undefined) {
      nodes.push(node);
      continue;
    }
    const written = named(emit.nodes.slice(from), node, results);
    from = emit.nodes.length;
    counts.set(node.opType, (counts.get(node.opType) ?? 0) + 1);
    for (const one of written) {
      nodes.push(one);
      for (const name of one.outputs) if (name !== "" && !shapes.has(name)) shapes.set(name, emit.shape(name));
    }
    if (nodes.length > NODE_BUDGET) throw tooLarge(node, written.length);
  }
  const initializers = new Map<string, Initializer>([...graph.initializers, ...emit.initializers]);
  for (const [name, { dtype, dims }] of emit.initializers) shapes.set(name, { dtype, dims });
  return { model: { ...model, graph: { ...graph, nodes, initializers } }, shapes, counts };
}

const dense = (constant: Initializer | undefined) => (constant?.sparse ? undefined : constant);

const tooLarge = (node: Node, count: number) =>
  unsupported("lowering-too-large", `Unrolled, the model has more than ${NODE_BUDGET} nodes.`, {
    node: node.name || node.opType,
    found: `${count} nodes from ${node.opType} alone`,
    hint: "Train on shorter sequences (dims, or cropped samples), or freeze what stands before this layer.",
  });

/** The nodes with the results under the names of the outputs they stand for. */
function named(written: readonly Node[], node: Node, results: readonly (string | undefined)[]): Node[] {
  const made = new Set(written.flatMap(({ outputs }) => outputs));
  const renames = new Map<string, string>();
  const copies: Node[] = [];
  results.forEach((result, index) => {
    const output = node.outputs[index] ?? "";
    if (result === undefined || output === "") return;
    if (made.has(result) && !renames.has(result)) renames.set(result, output);
    // Given out twice, or one of the inputs.
    else copies.push(makeNode("Identity", [renames.get(result) ?? result], [output]));
  });
  const rename = (name: string) => renames.get(name) ?? name;
  const whole = written.map((one) =>
    renames.size === 0 ? one : { ...one, inputs: one.inputs.map(rename), outputs: one.outputs.map(rename) },
  );
  return [...whole, ...copies];
}
